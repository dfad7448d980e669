#include "controllers/node_lifecycle/taint_eviction_controller.h"

#include <algorithm>

#include "api/node_match.h"
#include "codec/json.h"

namespace kpp::controllers {
namespace {

std::vector<corev1::Taint> no_execute(const corev1::Node& node) {
  std::vector<corev1::Taint> out;
  for (const auto& taint : node.spec.taints) {
    if (taint.effect == "NoExecute") out.push_back(taint);
  }
  return out;
}

}  // namespace

std::optional<Duration> tolerated_for(const corev1::Pod& pod,
                                      const std::vector<corev1::Taint>& taints) {
  std::optional<Duration> least;
  for (const auto& taint : taints) {
    const auto& all = pod.spec.tolerations;
    const bool any = std::any_of(all.begin(), all.end(),
                                 [&](const auto& t) { return api::tolerates(t, taint); });
    if (!any) return Duration::zero();
    for (const auto& toleration : all) {
      if (!api::tolerates(toleration, taint) || !toleration.toleration_seconds) continue;
      const Duration time =
          std::chrono::seconds(std::max<std::int64_t>(0, *toleration.toleration_seconds));
      if (!least || time < *least) least = time;
    }
  }
  return least;
}

TaintEvictionController::TaintEvictionController(ControllerContext context)
    : Controller(context, "taint-eviction-controller", "taint-eviction-controller", 8),
      nodes_(watch<corev1::Node>([this](const auto& before, const auto& after) {
        if (!after) return;
        const auto now_taints = no_execute(*after);
        if (now_taints.empty() && (!before || no_execute(*before).empty())) return;
        for (const auto& pod : pods_.all()) {
          if (pod->spec.node_name == after->metadata.name) queue().add(api::key_of(*pod));
        }
      })),
      pods_(watch<corev1::Pod>([this](const auto& before, const auto& after) {
        const auto& pod = after ? *after : *before;
        if (!pod.spec.node_name.empty()) queue().add(api::key_of(pod));
      })) {}

async::Task<Status> TaintEvictionController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto pod = pods_.get(key);
  const auto node = pod ? nodes_.get({"", pod->spec.node_name}) : nullptr;
  const bool stays = !node || pod->metadata.deletion_timestamp;
  const auto taints = stays ? std::vector<corev1::Taint>() : no_execute(*node);
  const auto time = tolerated_for(pod ? *pod : corev1::Pod(), taints);
  if (taints.empty() || !time) {
    if (deadlines_.erase(key) > 0 && pod && !pod->metadata.deletion_timestamp) {
      events().event(client::reference_to(corev1::Pod::desc(), pod->metadata), "Normal",
                     "TaintManagerEviction", cat("Cancelling deletion of Pod ", key));
    }
    co_return Status();
  }
  if (*time > Duration::zero()) {
    const auto [it, first] = deadlines_.try_emplace(key, executor().steady() + *time);
    if (!first) it->second = std::min(it->second, executor().steady() + *time);
    const Duration left = it->second - executor().steady();
    if (left > Duration::zero()) {
      queue().add_after(key, left);
      co_return Status();
    }
  }
  deadlines_.erase(key);
  events().event(client::reference_to(corev1::Pod::desc(), pod->metadata), "Normal",
                 "TaintManagerEviction", cat("Marking for deletion Pod ", key));
  const json::Value patch = json::Object{
      {"status", json::Object{{"conditions",
                               json::Array{json::Object{
                                   {"type", "DisruptionTarget"},
                                   {"status", "True"},
                                   {"reason", "DeletionByTaintManager"},
                                   {"message", "Taint manager: deleting due to NoExecute taint"},
                                   {"lastTransitionTime", api::Time::from(now()).to_string()}}}}}}};
  auto patched = co_await client().patch<corev1::Pod>(key, client::PatchType::kStrategicMerge,
                                                      json::write(patch), "status", stop);
  if (!patched) {
    if (patched.error().is(Reason::kNotFound)) co_return Status();
    co_return std::move(patched).error();
  }
  client::DeleteQuery query;
  query.uid = pod->metadata.uid;
  Status status = co_await client().remove<corev1::Pod>(key, std::move(query), stop);
  co_return status.is(Reason::kNotFound) ? Status() : std::move(status);
}

}  // namespace kpp::controllers
