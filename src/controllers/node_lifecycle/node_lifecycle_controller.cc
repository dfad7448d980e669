#include "controllers/node_lifecycle/node_lifecycle_controller.h"

#include <algorithm>

#include "async/wait.h"
#include "codec/json.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr Duration kPeriod = std::chrono::seconds(5);
constexpr Duration kGrace = std::chrono::seconds(50);
constexpr Duration kStartupGrace = std::chrono::seconds(60);
constexpr const char* kNotReady = "node.kubernetes.io/not-ready";
constexpr const char* kUnreachable = "node.kubernetes.io/unreachable";
constexpr const char* kUnschedulable = "node.kubernetes.io/unschedulable";

const corev1::NodeCondition* node_condition(const corev1::Node& node, std::string_view type) {
  const auto& all = node.status.conditions;
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
  return it == all.end() ? nullptr : &*it;
}

std::string status_of(const corev1::Node& node, std::string_view type) {
  const auto* condition = node_condition(node, type);
  return condition ? condition->status : std::string("Unknown");
}

bool has_taint(const std::vector<corev1::Taint>& taints, std::string_view key,
               std::string_view effect) {
  return std::any_of(taints.begin(), taints.end(),
                     [&](const auto& t) { return t.key == key && t.effect == effect; });
}

// Sets or takes away one taint; true if that changed something.
bool want(std::vector<corev1::Taint>& taints, std::string_view key, std::string_view effect,
          bool wanted, WallTime now) {
  if (has_taint(taints, key, effect) == wanted) return false;
  if (!wanted) {
    std::erase_if(taints, [&](const auto& t) { return t.key == key && t.effect == effect; });
    return true;
  }
  corev1::Taint taint;
  taint.key = key;
  taint.effect = effect;
  taint.time_added = api::Time::from(now);
  taints.push_back(std::move(taint));
  return true;
}

}  // namespace

NodeLifecycleController::NodeLifecycleController(ControllerContext context)
    : Controller(context, "node-lifecycle-controller", "node-controller", 8),
      nodes_(watch<corev1::Node>([this](const auto& before, const auto& after) {
        if (after) {
          queue().add(api::key_of(*after));
        } else {
          health_.erase(before->metadata.name);
          events().event(client::reference_to(corev1::Node::desc(), before->metadata), "Normal",
                         "RemovingNode",
                         cat("Node ", before->metadata.name, " event: Removing Node ",
                             before->metadata.name, " from Controller"));
        }
        if (after && !before) {
          events().event(client::reference_to(corev1::Node::desc(), after->metadata), "Normal",
                         "RegisteredNode",
                         cat("Node ", after->metadata.name, " event: Registered Node ",
                             after->metadata.name, " in Controller"));
        }
      })),
      leases_(read<coordinationv1::Lease>()),
      pods_(read<corev1::Pod>()) {}

async::Task<void> NodeLifecycleController::run_beside(async::StopToken stop) {
  for (;;) {
    for (const auto& node : nodes_.all()) co_await look_at(*node, stop);
    const bool slept = co_await async::sleep_for(executor(), kPeriod, stop);
    if (!slept) co_return;
  }
}

async::Task<void> NodeLifecycleController::look_at(corev1::Node node, async::StopToken stop) {
  const std::string name = node.metadata.name;
  const auto* ready = node_condition(node, "Ready");
  const auto lease = leases_.get({"kube-node-lease", name});
  const std::string lease_rv = lease ? lease->metadata.resource_version : std::string();
  const api::Time heartbeat = ready ? ready->last_heartbeat_time : api::Time();
  const auto [it, fresh] =
      health_.try_emplace(name, Health{heartbeat, lease_rv, executor().steady()});
  Health& health = it->second;
  const bool alive = health.heartbeat != heartbeat || health.lease_rv != lease_rv;
  if (alive) health = Health{heartbeat, lease_rv, executor().steady()};
  const Duration silent = executor().steady() - health.seen;
  if (silent <= (ready ? kGrace : kStartupGrace)) co_return;

  bool changed = false;
  const bool was_ready = ready && ready->status == "True";
  for (const auto* type : {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"}) {
    auto& all = node.status.conditions;
    auto at = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
    const bool missing = at == all.end();
    if (!missing && at->status == "Unknown") continue;
    if (missing) {
      at = all.emplace(all.end());
      at->type = type;
      at->last_heartbeat_time = node.metadata.creation_timestamp;
    }
    at->status = "Unknown";
    at->reason = missing ? "NodeStatusNeverUpdated" : "NodeStatusUnknown";
    at->message =
        missing ? "Kubelet never posted node status." : "Kubelet stopped posting node status.";
    at->last_transition_time = api::Time::from(now());
    changed = true;
  }
  if (!changed) co_return;
  const auto about = client::reference_to(corev1::Node::desc(), node.metadata);
  const TimePoint seen = health.seen;
  auto updated = co_await client().update_status<corev1::Node>(std::move(node), stop);
  if (!updated) {
    log().warning("Node could not be marked unknown",
                  {kv("node", name), kv("err", updated.error().to_string())});
    co_return;
  }
  // Our own writing is no sign of life.
  if (const auto again = health_.find(name); again != health_.end()) again->second.seen = seen;
  if (was_ready) {
    events().event(about, "Normal", "NodeNotReady",
                   cat("Node ", name, " status is now: NodeNotReady"));
    co_await mark_pods_not_ready(name, stop);
  }
}

async::Task<void> NodeLifecycleController::mark_pods_not_ready(std::string node,
                                                               async::StopToken stop) {
  for (const auto& pod : pods_.all()) {
    if (pod->spec.node_name != node) continue;
    const auto* ready = pod_condition(*pod, "Ready");
    if (!ready || ready->status != "True") continue;
    const json::Value patch = json::Object{
        {"status", json::Object{{"conditions", json::Array{json::Object{
                                                   {"type", "Ready"},
                                                   {"status", "False"},
                                                   {"lastTransitionTime",
                                                    api::Time::from(now()).to_string()}}}}}}};
    auto patched = co_await client().patch<corev1::Pod>(
        api::key_of(*pod), client::PatchType::kStrategicMerge, json::write(patch), "status", stop);
    if (patched) {
      events().event(client::reference_to(corev1::Pod::desc(), pod->metadata), "Warning",
                     "NodeNotReady", "Node is not ready");
    }
  }
}

async::Task<Status> NodeLifecycleController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto node = nodes_.get(key);
  if (!node || node->metadata.deletion_timestamp) co_return Status();
  corev1::Node next = *node;
  auto& taints = next.spec.taints;
  const std::string ready = status_of(next, "Ready");
  bool changed = false;
  for (const auto* effect : {"NoSchedule", "NoExecute"}) {
    changed |= want(taints, kNotReady, effect, ready == "False", now());
    changed |= want(taints, kUnreachable, effect, ready == "Unknown", now());
  }
  changed |= want(taints, kUnschedulable, "NoSchedule", next.spec.unschedulable, now());
  struct Pressure {
    const char* condition;
    const char* taint;
  };
  for (const Pressure p :
       {Pressure{"MemoryPressure", "node.kubernetes.io/memory-pressure"},
        Pressure{"DiskPressure", "node.kubernetes.io/disk-pressure"},
        Pressure{"PIDPressure", "node.kubernetes.io/pid-pressure"},
        Pressure{"NetworkUnavailable", "node.kubernetes.io/network-unavailable"}}) {
    changed |= want(taints, p.taint, "NoSchedule", status_of(next, p.condition) == "True", now());
  }
  if (!changed) co_return Status();
  auto updated = co_await client().update<corev1::Node>(std::move(next), stop);
  if (updated || updated.error().is(Reason::kNotFound)) co_return Status();
  co_return std::move(updated).error();
}

}  // namespace kpp::controllers
