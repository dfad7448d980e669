// The admission plugins: a function or two each, called in the original's order. What they look up
// comes from the cache.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/json_codec.h"
#include "apiserver/admission/admission.h"
#include "apiserver/watch_cache.h"

namespace kpp::apiserver {

// Reads of other objects that plugins need. Cheap to copy; valid during one call.
class Lookup {
 public:
  Lookup(WatchCache& cache, const ResourceTable& table, const Authorizer* authorizer,
         PolicyPrograms& policies)
      : cache_(cache), table_(table), authorizer_(authorizer), policies_(policies) {}

  CachedRef find(std::string_view group, std::string_view resource, std::string_view namespace_,
                 std::string_view name) const;
  // Calls call(const CachedRef&) for each object of a resource, in one namespace or in all (empty).
  template <class F>
  void each(std::string_view group, std::string_view resource, std::string_view namespace_,
            F call) const {
    const ServedResource* served = table_.find_any_version(group, resource);
    if (served == nullptr) return;
    served = served->storage;
    const std::string prefix = served->store_key(namespace_, "");
    cache_.cache(*served).each(prefix, {}, [&](const std::string&, const CachedRef& object) {
      call(object);
      return true;
    });
  }
  // The object as T (of the version that is stored); nullopt if there is none.
  template <class T>
  std::optional<T> get(std::string_view group, std::string_view resource,
                       std::string_view namespace_, std::string_view name) const {
    const CachedRef object = find(group, resource, namespace_, name);
    if (!object) return std::nullopt;
    auto parsed = api::parse_json<T>(*object->json);
    if (!parsed) return std::nullopt;
    return std::move(*parsed);
  }
  template <class T>
  std::vector<T> list(std::string_view group, std::string_view resource,
                      std::string_view namespace_) const {
    std::vector<T> out;
    each(group, resource, namespace_, [&](const CachedRef& object) {
      if (auto parsed = api::parse_json<T>(*object->json)) out.push_back(std::move(*parsed));
    });
    return out;
  }
  const Authorizer* authorizer() const { return authorizer_; }
  PolicyPrograms& policies() const { return policies_; }
  const ServedResource* find_kind(std::string_view group, std::string_view version,
                                  std::string_view kind) const {
    return table_.find_kind(group, version, kind);
  }
  const std::vector<std::unique_ptr<ServedResource>>& resources() const { return table_.all(); }

 private:
  WatchCache& cache_;
  const ResourceTable& table_;
  const Authorizer* authorizer_;
  PolicyPrograms& policies_;
};

// One plugin; functions that it does not need are null.
struct Plugin {
  std::string_view name;
  Status (*mutate)(api::Object& object, const AdmissionRequest& request,
                   const Lookup& lookup) = nullptr;
  Status (*validate)(const api::Object& object, const AdmissionRequest& request,
                     const Lookup& lookup) = nullptr;
  Status (*validate_delete)(const AdmissionRequest& request, const Lookup& lookup) = nullptr;
};

// The plugin of this name has no function: its policies run after the changes of all others, and
// those run again then (Admission::mutate).
inline constexpr std::string_view kMutatingPolicies = "MutatingAdmissionPolicy";

std::span<const Plugin> plugins();

// kForbidden about the object of the request: `pods "p" is forbidden: why`.
Status refused(const AdmissionRequest& request, std::string_view why);
// Whether the request is about this resource itself (no subresource).
bool is_about(const AdmissionRequest& request, std::string_view group, std::string_view resource);
bool creates(const AdmissionRequest& request, std::string_view group, std::string_view resource);
// Several complaints as one text: "a", or "[a, b]".
std::string one_text(const std::vector<std::string>& texts);

Plugin namespace_lifecycle_plugin();
Plugin limit_ranger_plugin();
Plugin service_account_plugin();
Plugin node_restriction_plugin();
Plugin taint_nodes_plugin();
Plugin pod_security_plugin();
Plugin priority_plugin();
Plugin default_tolerations_plugin();
Plugin default_storage_class_plugin();
Plugin storage_in_use_plugin();
Plugin volume_claim_resize_plugin();
Plugin runtime_class_plugin();
Plugin certificate_approval_plugin();
Plugin certificate_signing_plugin();
Plugin certificate_subject_plugin();
Plugin default_ingress_class_plugin();
Plugin rbac_escalation_plugin();
Plugin pod_resize_plugin();
Plugin validating_policy_plugin();

}  // namespace kpp::apiserver
