#include "apiserver/admission/admission.h"

#include <algorithm>

#include "apiserver/admission/plugins.h"
#include "apiserver/admission/policy/mutating_policies.h"
#include "apiserver/admission/policy/policy_programs.h"
#include "apiserver/errors.h"

namespace kpp::apiserver {
namespace {

Status mutate_by_plugins(std::span<const Plugin> plugins, api::Object& object,
                         const AdmissionRequest& request, const Lookup& lookup) {
  for (const Plugin& plugin : plugins) {
    if (plugin.mutate != nullptr) KPP_RETURN_IF_ERROR(plugin.mutate(object, request, lookup));
  }
  return {};
}

}  // namespace

Admission::Admission(WatchCache& cache, const ResourceTable& table, std::vector<Plugin> plugins,
                     const Authorizer* authorizer)
    : cache_(cache),
      table_(table),
      plugins_(std::move(plugins)),
      authorizer_(authorizer),
      mutating_policies_(
          std::any_of(plugins_.begin(), plugins_.end(),
                      [](const Plugin& plugin) { return plugin.name == kMutatingPolicies; })),
      policies_(std::make_unique<PolicyPrograms>()) {}
Admission::~Admission() = default;

Status Admission::mutate(api::Object& object, const AdmissionRequest& request) const {
  const Lookup lookup(cache_, table_, authorizer_, *policies_);
  KPP_RETURN_IF_ERROR(mutate_by_plugins(plugins_, object, request, lookup));
  if (!mutating_policies_) return {};
  MutatingPolicies policies(request, lookup);
  KPP_RETURN_IF_ERROR(policies.run(object));
  if (!policies.changed()) return {};
  KPP_RETURN_IF_ERROR(mutate_by_plugins(plugins_, object, request, lookup));
  return policies.run_again(object);
}

Status Admission::validate(const api::Object& object, const AdmissionRequest& request) const {
  const Lookup lookup(cache_, table_, authorizer_, *policies_);
  for (const Plugin& plugin : plugins_) {
    if (plugin.validate != nullptr) KPP_RETURN_IF_ERROR(plugin.validate(object, request, lookup));
  }
  return {};
}

Status Admission::validate_delete(const AdmissionRequest& request) const {
  const Lookup lookup(cache_, table_, authorizer_, *policies_);
  for (const Plugin& plugin : plugins_) {
    if (plugin.validate_delete != nullptr)
      KPP_RETURN_IF_ERROR(plugin.validate_delete(request, lookup));
  }
  return {};
}

CachedRef Lookup::find(std::string_view group, std::string_view resource,
                       std::string_view namespace_, std::string_view name) const {
  const ServedResource* served = table_.find_any_version(group, resource);
  if (served == nullptr) return nullptr;
  served = served->storage;
  return cache_.cache(*served).find(served->store_key(namespace_, name));
}

Status refused(const AdmissionRequest& request, std::string_view why) {
  return forbidden(request.resource->group, request.resource->name(), request.name, why);
}

bool is_about(const AdmissionRequest& request, std::string_view group, std::string_view resource) {
  return request.subresource.empty() && request.resource->group == group &&
         request.resource->name() == resource;
}

bool creates(const AdmissionRequest& request, std::string_view group, std::string_view resource) {
  return request.operation == Operation::kCreate && is_about(request, group, resource);
}

std::string one_text(const std::vector<std::string>& texts) {
  return texts.size() == 1 ? texts[0] : cat("[", join(texts, ", "), "]");
}

}  // namespace kpp::apiserver
