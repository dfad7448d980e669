#include "api/quota.h"

#include <algorithm>

#include "api/pod_amounts.h"
#include "base/cat.h"

namespace kpp::api {
namespace {

// Core kinds that quotas also name without "count/".
bool has_short_name(std::string_view resource) {
  static constexpr std::string_view kNames[] = {"configmaps",     "persistentvolumeclaims",
                                                "pods",           "replicationcontrollers",
                                                "resourcequotas", "secrets",
                                                "services"};
  return std::find(std::begin(kNames), std::end(kNames), resource) != std::end(kNames);
}

void add_pod(QuotaUsage& usage, const corev1::PodSpec& spec) {
  for (const auto& [name, amount] : pod_total(spec, &corev1::ResourceRequirements::requests)) {
    usage[cat("requests.", name)] = Amount::from(amount);
    const bool plain = name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
                       name.starts_with("hugepages-");
    if (plain) usage[name] = Amount::from(amount);
  }
  for (const auto& [name, amount] : pod_total(spec, &corev1::ResourceRequirements::limits)) {
    usage[cat("limits.", name)] = Amount::from(amount);
  }
}

void add_service(QuotaUsage& usage, const corev1::ServiceSpec& spec) {
  const bool balancer = spec.type == "LoadBalancer";
  std::int64_t ports = 0;
  if (spec.type == "NodePort" ||
      (balancer && spec.allocate_load_balancer_node_ports.value_or(true))) {
    ports = static_cast<std::int64_t>(spec.ports.size());
  } else if (balancer) {
    ports = std::count_if(spec.ports.begin(), spec.ports.end(),
                          [](const auto& port) { return port.node_port != 0; });
  }
  usage["services.nodeports"] = Amount::of(ports);
  usage["services.loadbalancers"] = Amount::of(balancer ? 1 : 0);
}

void add_claim(QuotaUsage& usage, const corev1::PersistentVolumeClaim& claim) {
  const auto it = claim.spec.resources.requests.find("storage");
  const Amount size =
      it == claim.spec.resources.requests.end() ? Amount() : Amount::from(it->second);
  usage["requests.storage"] = size;
  if (!claim.spec.storage_class_name || claim.spec.storage_class_name->empty()) return;
  const std::string prefix = cat(*claim.spec.storage_class_name, ".storageclass.storage.k8s.io/");
  usage[cat(prefix, "requests.storage")] = size;
  usage[cat(prefix, "persistentvolumeclaims")] = Amount::of(1);
}

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

// Names of a pod's amounts: "requests.storage" is a claim's.
bool is_of_pods(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
         name.starts_with("hugepages-") || name.starts_with("limits.") ||
         (name.starts_with("requests.") && name != "requests.storage");
}

std::string count_name(std::string_view plural, std::string_view group) {
  return cat("count/", plural, group.empty() ? "" : ".", group);
}

}  // namespace

QuotaUsage quota_usage(const Object& object, std::string_view plural, std::string_view group) {
  QuotaUsage out;
  out[count_name(plural, group)] = Amount::of(1);
  const auto* pod = object.as<corev1::Pod>();
  // A pod that has ended is an object still, but takes nothing.
  if (pod != nullptr && (pod->status.phase == "Succeeded" || pod->status.phase == "Failed"))
    return out;
  if (group.empty() && has_short_name(plural)) out[std::string(plural)] = Amount::of(1);
  if (pod != nullptr) add_pod(out, pod->spec);
  if (const auto* service = object.as<corev1::Service>()) add_service(out, service->spec);
  if (const auto* claim = object.as<corev1::PersistentVolumeClaim>()) add_claim(out, *claim);
  return out;
}

bool quota_counts(std::string_view name, std::string_view plural, std::string_view group) {
  if (name == count_name(plural, group)) return true;
  if (!group.empty()) return false;
  if (name == plural && has_short_name(plural)) return true;
  if (plural == "pods") return is_of_pods(name);
  if (plural == "services") return name == "services.nodeports" || name == "services.loadbalancers";
  if (plural == "persistentvolumeclaims") {
    return name == "requests.storage" ||
           name.find(".storageclass.storage.k8s.io/") != std::string_view::npos;
  }
  return false;
}

bool quota_applies(const corev1::ResourceQuota& quota, const Object& object) {
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

}  // namespace kpp::api
