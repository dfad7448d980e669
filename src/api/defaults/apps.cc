// The group apps.
#include "api/appsv1.h"
#include "api/defaults/rules.h"

namespace kpp::api::defaults {
namespace {

using namespace appsv1;

void deployment(Deployment& object) {
  auto& spec = object.spec;
  set(spec.replicas, 1);
  set(spec.strategy.type, "RollingUpdate");
  if (spec.strategy.type == "RollingUpdate") {
    auto& rolling = spec.strategy.rolling_update.ensure();
    set(rolling.max_unavailable, "25%");
    set(rolling.max_surge, "25%");
  }
  set(spec.revision_history_limit, 10);
  set(spec.progress_deadline_seconds, 600);
}

void daemon_set(DaemonSet& object) {
  auto& strategy = object.spec.update_strategy;
  set(strategy.type, "RollingUpdate");
  if (strategy.type == "RollingUpdate") {
    auto& rolling = strategy.rolling_update.ensure();
    set(rolling.max_unavailable, 1);
    set(rolling.max_surge, 0);
  }
  set(object.spec.revision_history_limit, 10);
  // The generation of the template has no field any more; every daemon set carries the annotation.
  object.metadata.annotations.try_emplace("deprecated.daemonset.template.generation", "0");
}

void stateful_set(StatefulSet& object) {
  auto& spec = object.spec;
  set(spec.pod_management_policy, "OrderedReady");
  if (spec.update_strategy.type.empty()) {
    spec.update_strategy.type = "RollingUpdate";
    spec.update_strategy.rolling_update.ensure();
  }
  if (spec.update_strategy.type == "RollingUpdate" && spec.update_strategy.rolling_update) {
    set(spec.update_strategy.rolling_update->partition, 0);
  }
  auto& retention = spec.persistent_volume_claim_retention_policy.ensure();
  set(retention.when_deleted, "Retain");
  set(retention.when_scaled, "Retain");
  set(spec.replicas, 1);
  set(spec.revision_history_limit, 10);
}

void replica_set(ReplicaSet& object) { set(object.spec.replicas, 1); }

constexpr Rule kRules[] = {
    rule<Deployment, deployment>(),
    rule<DaemonSet, daemon_set>(),
    rule<StatefulSet, stateful_set>(),
    rule<ReplicaSet, replica_set>(),
};

}  // namespace

std::span<const Rule> apps_rules() { return kRules; }

}  // namespace kpp::api::defaults
