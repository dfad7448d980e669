#include "apiserver/admission/resource_quota.h"

#include <algorithm>
#include <set>

#include "api/corev1.h"
#include "api/quantity.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/admission/pod_amounts.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"

namespace kpp::apiserver {
namespace {

constexpr int kTries = 8;
using Usage = std::map<std::string, api::Amount>;

// --- what an object uses

// Core kinds that quotas also name without "count/".
bool has_short_name(std::string_view resource) {
  static constexpr std::string_view kNames[] = {"configmaps",     "persistentvolumeclaims",
                                                "pods",           "replicationcontrollers",
                                                "resourcequotas", "secrets",
                                                "services"};
  return std::find(std::begin(kNames), std::end(kNames), resource) != std::end(kNames);
}

void add_pod(Usage& usage, const corev1::PodSpec& spec) {
  for (const auto& [name, amount] : pod_total(spec, &corev1::ResourceRequirements::requests)) {
    usage[cat("requests.", name)] = api::Amount::from(amount);
    const bool plain = name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
                       name.starts_with("hugepages-");
    if (plain) usage[name] = api::Amount::from(amount);
  }
  for (const auto& [name, amount] : pod_total(spec, &corev1::ResourceRequirements::limits)) {
    usage[cat("limits.", name)] = api::Amount::from(amount);
  }
}

void add_service(Usage& usage, const corev1::ServiceSpec& spec) {
  const bool balancer = spec.type == "LoadBalancer";
  std::int64_t ports = 0;
  if (spec.type == "NodePort" ||
      (balancer && spec.allocate_load_balancer_node_ports.value_or(true))) {
    ports = static_cast<std::int64_t>(spec.ports.size());
  } else if (balancer) {
    ports = std::count_if(spec.ports.begin(), spec.ports.end(),
                          [](const auto& port) { return port.node_port != 0; });
  }
  usage["services.nodeports"] = api::Amount::of(ports);
  usage["services.loadbalancers"] = api::Amount::of(balancer ? 1 : 0);
}

void add_claim(Usage& usage, const corev1::PersistentVolumeClaim& claim) {
  const auto it = claim.spec.resources.requests.find("storage");
  const api::Amount size =
      it == claim.spec.resources.requests.end() ? api::Amount() : api::Amount::from(it->second);
  usage["requests.storage"] = size;
  if (!claim.spec.storage_class_name || claim.spec.storage_class_name->empty()) return;
  const std::string prefix = cat(*claim.spec.storage_class_name, ".storageclass.storage.k8s.io/");
  usage[cat(prefix, "requests.storage")] = size;
  usage[cat(prefix, "persistentvolumeclaims")] = api::Amount::of(1);
}

Usage usage_of(const api::Object& object, const ServedResource& resource) {
  Usage out;
  out[cat("count/", qualified(resource.name(), resource.group))] = api::Amount::of(1);
  if (resource.group.empty() && has_short_name(resource.name()))
    out[std::string(resource.name())] = api::Amount::of(1);
  if (const auto* pod = object.as<corev1::Pod>()) add_pod(out, pod->spec);
  if (const auto* service = object.as<corev1::Service>()) add_service(out, service->spec);
  if (const auto* claim = object.as<corev1::PersistentVolumeClaim>()) add_claim(out, *claim);
  return out;
}

// What the write adds; only what grows counts.
Usage growth(const api::Object& object, const AdmissionRequest& request) {
  Usage out = usage_of(object, *request.resource);
  if (request.old_object != nullptr) {
    for (const auto& [name, amount] : usage_of(*request.old_object, *request.resource)) {
      if (const auto it = out.find(name); it != out.end()) it->second -= amount;
    }
  }
  std::erase_if(out, [](const auto& entry) { return entry.second.sign() <= 0; });
  return out;
}

// --- which quotas are meant

bool is_best_effort(const corev1::PodSpec& spec) {
  const auto asks = [](const corev1::ResourceRequirements& r) {
    return !r.requests.empty() || !r.limits.empty();
  };
  if (spec.resources && asks(*spec.resources)) return false;
  for (const auto* containers : {&spec.containers, &spec.init_containers}) {
    for (const auto& container : *containers) {
      if (asks(container.resources)) return false;
    }
  }
  return true;
}

bool scope_matches(const corev1::ScopedResourceSelectorRequirement& scope,
                   const corev1::PodSpec& spec) {
  const std::string& name = scope.scope_name;
  if (name == "BestEffort") return is_best_effort(spec);
  if (name == "NotBestEffort") return !is_best_effort(spec);
  if (name == "Terminating") return spec.active_deadline_seconds.has_value();
  if (name == "NotTerminating") return !spec.active_deadline_seconds.has_value();
  if (name == "PriorityClass") {
    const std::string& value = spec.priority_class_name;
    const bool listed =
        std::find(scope.values.begin(), scope.values.end(), value) != scope.values.end();
    if (scope.operator_ == "Exists") return !value.empty();
    if (scope.operator_ == "DoesNotExist") return value.empty();
    if (scope.operator_ == "NotIn") return !listed;
    return listed;
  }
  // CrossNamespacePodAffinity.
  const auto crosses = [](const std::vector<corev1::PodAffinityTerm>& terms) {
    return std::any_of(terms.begin(), terms.end(), [](const auto& term) {
      return !term.namespaces.empty() || term.namespace_selector;
    });
  };
  if (!spec.affinity) return false;
  if (spec.affinity->pod_affinity &&
      crosses(spec.affinity->pod_affinity->required_during_scheduling_ignored_during_execution)) {
    return true;
  }
  return spec.affinity->pod_anti_affinity &&
         crosses(
             spec.affinity->pod_anti_affinity->required_during_scheduling_ignored_during_execution);
}

bool quota_matches(const corev1::ResourceQuota& quota, const api::Object& object) {
  const auto* pod = object.as<corev1::Pod>();
  std::vector<corev1::ScopedResourceSelectorRequirement> scopes;
  for (const auto& name : quota.spec.scopes) scopes.emplace_back().scope_name = name;
  if (quota.spec.scope_selector) {
    const auto& more = quota.spec.scope_selector->match_expressions;
    scopes.insert(scopes.end(), more.begin(), more.end());
  }
  if (scopes.empty()) return true;
  if (pod == nullptr) return false;
  return std::all_of(scopes.begin(), scopes.end(),
                     [&](const auto& scope) { return scope_matches(scope, pod->spec); });
}

// --- the check

std::string as_text(const Usage& usage) {
  std::string out;
  for (const auto& [name, amount] : usage) out += cat(out.empty() ? "" : ",", name, "=", amount);
  return out;
}

// A quota on CPU or memory wants every container to say how much it takes.
Status check_containers(const corev1::ResourceQuota& quota, const corev1::PodSpec& spec,
                        const AdmissionRequest& request) {
  std::map<std::string, std::set<std::string>> missing;
  const auto check = [&](const corev1::Container& container) {
    for (const std::string_view name : {"cpu", "memory"}) {
      const bool requests = container.resources.requests.contains(std::string(name));
      const bool limits = container.resources.limits.contains(std::string(name));
      if (!requests && quota.status.hard.contains(std::string(name)))
        missing[std::string(name)].insert(container.name);
      const std::string request_name = cat("requests.", name), limit_name = cat("limits.", name);
      if (!requests && quota.status.hard.contains(request_name))
        missing[request_name].insert(container.name);
      if (!limits && quota.status.hard.contains(limit_name))
        missing[limit_name].insert(container.name);
    }
  };
  for (const auto& container : spec.containers) check(container);
  for (const auto& container : spec.init_containers) check(container);
  if (missing.empty()) return {};
  std::vector<std::string> texts;
  for (const auto& [name, containers] : missing)
    texts.push_back(cat(name, " for: ", join(containers, ",")));
  return refused(request,
                 cat("failed quota: ", quota.metadata.name, ": must specify ", join(texts, "; ")));
}

// What the write takes of this quota; empty: nothing.
Result<Usage> requested_of(const corev1::ResourceQuota& quota, const Usage& grown,
                           const api::Object& object, const AdmissionRequest& request) {
  if (quota.status.hard.empty() || !quota_matches(quota, object)) return Usage();
  if (const auto* pod = object.as<corev1::Pod>();
      pod != nullptr && request.operation == Operation::kCreate) {
    KPP_RETURN_IF_ERROR(check_containers(quota, pod->spec, request));
  }
  Usage requested, exceeded, used, limited;
  std::vector<std::string> unknown;
  for (const auto& [name, amount] : grown) {
    const auto hard = quota.status.hard.find(name);
    if (hard == quota.status.hard.end()) continue;
    const auto now = quota.status.used.find(name);
    if (now == quota.status.used.end()) {
      unknown.push_back(name);
      continue;
    }
    requested[name] = amount;
    const api::Amount limit = api::Amount::from(hard->second),
                      before = api::Amount::from(now->second);
    if (before + amount <= limit) continue;
    exceeded[name] = amount;
    used[name] = before;
    limited[name] = limit;
  }
  if (!unknown.empty()) {
    return fail(refused(request, cat("status unknown for quota: ", quota.metadata.name,
                                     ", resources: ", join(unknown, ","))));
  }
  if (exceeded.empty()) return requested;
  return fail(refused(
      request, cat("exceeded quota: ", quota.metadata.name, ", requested: ", as_text(exceeded),
                   ", used: ", as_text(used), ", limited: ", as_text(limited))));
}

// Adds to one quota's used amounts, against its newest state.
async::Task<Status> charge_one(Call& call, const ServedResource& quotas, std::string key,
                               const Usage& grown, const api::Object& object,
                               AdmissionRequest request) {
  for (int attempt = 1;; ++attempt) {
    const CachedRef current = call.core.cache.cache(quotas).find(key);
    if (!current) co_return Status();
    KPP_CO_ASSIGN(corev1::ResourceQuota quota,
                  api::parse_json<corev1::ResourceQuota>(*current->json));
    KPP_CO_ASSIGN(const Usage requested, requested_of(quota, grown, object, request));
    if (requested.empty()) co_return Status();
    for (const auto& [name, amount] : requested) {
      auto& used = quota.status.used[name];
      used = (api::Amount::from(used) + amount).quantity();
    }
    auto written = co_await store_changed(call, quotas, api::Object::of(quota), current);
    if (written) co_return Status();
    if (!written.error().is(Reason::kConflict) || attempt >= kTries)
      co_return std::move(written).error();
    KPP_CO_RETURN_IF_ERROR(co_await freshen(call));
  }
}

}  // namespace

async::Task<Status> charge_quotas(Call& call, const api::Object& object, AdmissionRequest request) {
  if (request.namespace_.empty() || !request.subresource.empty()) co_return Status();
  const ServedResource* quotas = call.core.table.find("", "v1", "resourcequotas");
  if (quotas == nullptr) co_return Status();
  std::vector<std::string> keys;
  call.core.cache.cache(*quotas).each(quotas->store_key(request.namespace_, ""), {},
                                      [&](const std::string& key, const CachedRef&) {
                                        keys.push_back(key);
                                        return true;
                                      });
  if (keys.empty()) co_return Status();
  const Usage grown = growth(object, request);
  if (grown.empty()) co_return Status();
  // All are asked before one is charged.
  std::vector<std::string> charged;
  for (const auto& key : keys) {
    const CachedRef current = call.core.cache.cache(*quotas).find(key);
    if (!current) continue;
    KPP_CO_ASSIGN(const corev1::ResourceQuota quota,
                  api::parse_json<corev1::ResourceQuota>(*current->json));
    KPP_CO_ASSIGN(const Usage requested, requested_of(quota, grown, object, request));
    if (!requested.empty()) charged.push_back(key);
  }
  if (request.dry_run) co_return Status();
  for (const auto& key : charged) {
    KPP_CO_RETURN_IF_ERROR(co_await charge_one(call, *quotas, key, grown, object, request));
  }
  co_return Status();
}

}  // namespace kpp::apiserver
