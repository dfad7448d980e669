#include "apiserver/admission/plugin_selection.h"

#include <algorithm>
#include <array>
#include <optional>

namespace kpp::apiserver {
namespace {

// The original's plugins, in its order.
struct KnownPlugin {
  std::string_view name;
  bool by_default;
};
constexpr KnownPlugin kKnown[] = {
    {"AlwaysAdmit", false},
    {"NamespaceAutoProvision", false},
    {"NamespaceLifecycle", true},
    {"NamespaceExists", false},
    {"LimitPodHardAntiAffinityTopology", false},
    {"LimitRanger", true},
    {"ServiceAccount", true},
    {"NodeRestriction", false},
    {"TaintNodesByCondition", true},
    {"AlwaysPullImages", false},
    {"ImagePolicyWebhook", false},
    {"PodSecurity", true},
    {"PodNodeSelector", false},
    {"Priority", true},
    {"DefaultTolerationSeconds", true},
    {"PodTolerationRestriction", false},
    {"EventRateLimit", false},
    {"ExtendedResourceToleration", false},
    {"DefaultStorageClass", true},
    {"StorageObjectInUseProtection", true},
    {"PodGroupProtection", true},
    {"OwnerReferencesPermissionEnforcement", false},
    {"PersistentVolumeClaimResize", true},
    {"RuntimeClass", true},
    {"CertificateApproval", true},
    {"CertificateSigning", true},
    {"ClusterTrustBundleAttest", true},
    {"CertificateSubjectRestriction", true},
    {"DefaultIngressClass", true},
    {"DenyServiceExternalIPs", false},
    {"PodTopologyLabels", true},
    {"PodGroupWorkloadExists", true},
    {"NodeDeclaredFeatureValidator", true},
    {"JobValidation", true},
    {"PodResizeValidator", true},
    {"MutatingAdmissionPolicy", true},
    {"MutatingAdmissionWebhook", true},
    {"ValidatingAdmissionPolicy", true},
    {"ValidatingAdmissionWebhook", true},
    {"ResourceQuota", true},
    {"AlwaysDeny", false},
};
// Rights that are granted are no matter of choice.
constexpr std::string_view kAlways = "RBACEscalation";
// Part of how writes are counted, not a step of the chain; it cannot be left out.
constexpr std::string_view kBuiltIn = "ResourceQuota";

const KnownPlugin* known(std::string_view name) {
  const auto* found = std::find_if(std::begin(kKnown), std::end(kKnown),
                                   [&](const auto& plugin) { return plugin.name == name; });
  return found == std::end(kKnown) ? nullptr : found;
}

bool has(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_offered(std::string_view name) {
  return std::any_of(plugins().begin(), plugins().end(),
                     [&](const Plugin& plugin) { return plugin.name == name; });
}

Status check(std::span<const std::string> enable, std::span<const std::string> disable) {
  const auto unknown = [](std::string_view flag, std::string_view name) {
    return Status(Reason::kInvalid, cat(flag, " plugin ", quoted(name), " is unknown"));
  };
  for (const auto& name : enable) {
    if (known(name) == nullptr) return unknown("enable-admission-plugins", name);
  }
  for (const auto& name : disable) {
    if (known(name) == nullptr) return unknown("disable-admission-plugins", name);
    if (has(enable, name)) {
      return {
          Reason::kInvalid,
          cat("[", name, "] in enable-admission-plugins and disable-admission-plugins overlapped")};
    }
    if (name == kBuiltIn) {
      return {Reason::kInvalid,
              cat("disable-admission-plugins plugin ", quoted(name), " cannot be left out here")};
    }
  }
  for (const auto& name : enable) {
    if (known(name)->by_default || is_offered(name)) continue;
    return {Reason::kInvalid, cat("enable-admission-plugins plugin ", quoted(name),
                                  " is not supported by this server")};
  }
  return {};
}

std::vector<Plugin> selected(std::span<const std::string> enable,
                             std::span<const std::string> disable) {
  std::vector<Plugin> out;
  for (const Plugin& plugin : plugins()) {
    const KnownPlugin* of = known(plugin.name);
    const bool on =
        plugin.name == kAlways || (of != nullptr && (of->by_default || has(enable, plugin.name)) &&
                                   !has(disable, plugin.name));
    if (on) out.push_back(plugin);
  }
  return out;
}

}  // namespace

Result<std::vector<Plugin>> select_plugins(std::span<const std::string> enable,
                                           std::span<const std::string> disable) {
  KPP_RETURN_IF_ERROR(check(enable, disable));
  return selected(enable, disable);
}

std::vector<Plugin> default_plugins() { return selected({}, {}); }

}  // namespace kpp::apiserver
