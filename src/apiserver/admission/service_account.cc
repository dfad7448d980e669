#include <set>

#include "api/corev1.h"
#include "apiserver/admission/plugins.h"
#include "base/ids.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kMountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::string_view kVolumePrefix = "kube-api-access-";
constexpr const char* kMirror = "kubernetes.io/config.mirror";
constexpr const char* kEnforce = "kubernetes.io/enforce-mountable-secrets";
constexpr std::int64_t kTokenSeconds = 3607;
constexpr std::int32_t kFileMode = 0644;

corev1::Volume token_volume(std::string name) {
  corev1::Volume out;
  out.name = std::move(name);
  auto& projected = out.volume_source.projected.emplace();
  projected.default_mode = kFileMode;
  auto& token = projected.sources.emplace_back().service_account_token.emplace();
  token.path = "token";
  token.expiration_seconds = kTokenSeconds;
  auto& ca = projected.sources.emplace_back().config_map.emplace();
  ca.local_object_reference.name = "kube-root-ca.crt";
  auto& ca_item = ca.items.emplace_back();
  ca_item.key = "ca.crt";
  ca_item.path = "ca.crt";
  auto& ns = projected.sources.emplace_back().downward_api.emplace().items.emplace_back();
  ns.path = "namespace";
  auto& field = ns.field_ref.emplace();
  field.api_version = "v1";
  field.field_path = "metadata.namespace";
  return out;
}

// Gives each container the token, unless it mounts something at that place itself.
void mount_token(corev1::PodSpec& spec) {
  std::string volume;
  for (const auto& has : spec.volumes) {
    if (has.name.starts_with(kVolumePrefix)) {
      volume = has.name;
      break;
    }
  }
  const bool has_volume = !volume.empty();
  if (!has_volume) volume = cat(kVolumePrefix, random_suffix(5));
  bool used = false;
  const auto mount = [&](corev1::Container& container) {
    for (const auto& has : container.volume_mounts) {
      if (has.mount_path == kMountPath) return;
    }
    auto& added = container.volume_mounts.emplace_back();
    added.name = volume;
    added.read_only = true;
    added.mount_path = kMountPath;
    used = true;
  };
  for (auto& container : spec.init_containers) mount(container);
  for (auto& container : spec.containers) mount(container);
  if (used && !has_volume) spec.volumes.push_back(token_volume(std::move(volume)));
}

bool names_secret(const corev1::PodSpec& spec) {
  for (const auto& volume : spec.volumes) {
    if (volume.volume_source.secret) return true;
  }
  if (!spec.image_pull_secrets.empty()) return true;
  for (const auto& container : spec.containers) {
    for (const auto& from : container.env_from) {
      if (from.secret_ref) return true;
    }
    for (const auto& env : container.env) {
      if (env.value_from && env.value_from->secret_key_ref) return true;
    }
  }
  return false;
}

// The pod of an account that says so may name no secrets but the account's own.
Status check_secrets(const corev1::PodSpec& spec, const corev1::ServiceAccount& account,
                     const AdmissionRequest& request) {
  std::set<std::string, std::less<>> mountable, pullable;
  for (const auto& secret : account.secrets) mountable.insert(secret.name);
  for (const auto& secret : account.image_pull_secrets) pullable.insert(secret.name);
  const auto unknown = [&](const std::string& what, const std::string& secret,
                           std::string_view kind) {
    return refused(request, cat(what, quoted(secret), " is not allowed because service account ",
                                account.metadata.name, " does not reference that ", kind));
  };
  for (const auto& volume : spec.volumes) {
    if (!volume.volume_source.secret ||
        mountable.contains(volume.volume_source.secret->secret_name))
      continue;
    return unknown("volume with secret.secretName=", volume.volume_source.secret->secret_name,
                   "secret");
  }
  const auto check = [&](const corev1::Container& container, std::string_view kind) -> Status {
    for (const auto& env : container.env) {
      if (!env.value_from || !env.value_from->secret_key_ref) continue;
      const std::string& secret = env.value_from->secret_key_ref->local_object_reference.name;
      if (mountable.contains(secret)) continue;
      return unknown(cat(kind, " ", container.name, " with envVar ", env.name,
                         " referencing secret.secretName="),
                     secret, "secret");
    }
    for (const auto& from : container.env_from) {
      if (!from.secret_ref || mountable.contains(from.secret_ref->local_object_reference.name))
        continue;
      return unknown(cat(kind, " ", container.name, " with envFrom referencing secret.secretName="),
                     from.secret_ref->local_object_reference.name, "secret");
    }
    return {};
  };
  for (const auto& container : spec.init_containers)
    KPP_RETURN_IF_ERROR(check(container, "init container"));
  for (const auto& container : spec.containers) KPP_RETURN_IF_ERROR(check(container, "container"));
  for (std::size_t i = 0; i < spec.image_pull_secrets.size(); ++i) {
    if (pullable.contains(spec.image_pull_secrets[i].name)) continue;
    return unknown(cat("imagePullSecrets[", i, "].name="), spec.image_pull_secrets[i].name,
                   "imagePullSecret");
  }
  return {};
}

Status check_mirror_pod(const corev1::PodSpec& spec, const AdmissionRequest& request) {
  if (!spec.service_account_name.empty())
    return refused(request, "a mirror pod may not reference service accounts");
  if (names_secret(spec)) return refused(request, "a mirror pod may not reference secrets");
  for (const auto& volume : spec.volumes) {
    if (!volume.volume_source.projected) continue;
    for (const auto& source : volume.volume_source.projected->sources) {
      if (source.service_account_token) {
        return refused(request, "a mirror pod may not use ServiceAccountToken volume projections");
      }
    }
  }
  return {};
}

Status admit(api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
  if (!creates(request, "", "pods")) return {};
  auto& pod = *object.as<corev1::Pod>();
  auto& spec = pod.spec;
  if (spec.service_account_name.empty()) spec.service_account_name = spec.service_account;
  if (pod.metadata.annotations.contains(kMirror)) return check_mirror_pod(spec, request);
  if (spec.service_account_name.empty()) spec.service_account_name = "default";
  spec.service_account = spec.service_account_name;
  const auto account = lookup.get<corev1::ServiceAccount>("", "serviceaccounts", request.namespace_,
                                                          spec.service_account_name);
  if (!account) {
    return refused(request, cat("error looking up service account ", request.namespace_, "/",
                                spec.service_account_name, ": serviceaccount ",
                                quoted(spec.service_account_name), " not found"));
  }
  const bool automount = spec.automount_service_account_token.value_or(
      account->automount_service_account_token.value_or(true));
  if (automount) mount_token(spec);
  if (spec.image_pull_secrets.empty()) spec.image_pull_secrets = account->image_pull_secrets;
  const auto enforce = account->metadata.annotations.find(kEnforce);
  if (enforce == account->metadata.annotations.end() || enforce->second != "true") return {};
  return check_secrets(spec, *account, request);
}

}  // namespace

Plugin service_account_plugin() { return {"ServiceAccount", admit, nullptr, nullptr}; }

}  // namespace kpp::apiserver
