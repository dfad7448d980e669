#include "controllers/pod_gc/pod_gc_controller.h"

#include "codec/json.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

// A node that is made anew keeps its pods.
constexpr auto kQuarantine = std::chrono::seconds(40);

std::pair<api::Time, api::ObjectKey> by_age(const corev1::Pod& pod) {
  return {pod.metadata.creation_timestamp, api::key_of(pod)};
}

}  // namespace

PodGarbageCollector::PodGarbageCollector(ControllerContext context,
                                         std::size_t terminated_threshold)
    : Controller(context, "pod-garbage-collector-controller", "pod-garbage-collector", 1),
      threshold_(terminated_threshold),
      pods_(watch<corev1::Pod>(
          [this](const PodRef& before, const PodRef& after) { on_pod(before, after); })),
      nodes_(watch<corev1::Node>([this](const auto& before, const auto& after) {
        if (after) return;
        for (const auto& pod : pods_.all()) {
          if (pod->spec.node_name == before->metadata.name) queue().add(api::key_of(*pod));
        }
      })) {}

void PodGarbageCollector::on_pod(const PodRef& before, const PodRef& after) {
  if (before && is_finished(*before)) finished_.erase(by_age(*before));
  if (after && is_finished(*after)) finished_.insert(by_age(*after));
  if (threshold_ > 0 && finished_.size() > threshold_) queue().add(finished_.begin()->second);
  if (!after) {
    orphaned_.erase(api::key_of(*before));
    return;
  }
  const bool unbound_and_ending =
      after->spec.node_name.empty() && after->metadata.deletion_timestamp;
  const bool newly_bound =
      !after->spec.node_name.empty() && (!before || before->spec.node_name.empty());
  if (unbound_and_ending || newly_bound) queue().add(api::key_of(*after));
}

async::Task<Result<bool>> PodGarbageCollector::is_orphan(PodRef pod, async::StopToken stop) {
  const auto key = api::key_of(*pod);
  if (pod->spec.node_name.empty() || nodes_.get({"", pod->spec.node_name})) {
    orphaned_.erase(key);
    co_return false;
  }
  const auto [since, first] = orphaned_.try_emplace(key, executor().steady());
  const Duration left = since->second + kQuarantine - executor().steady();
  if (left > Duration::zero()) {
    queue().add_after(key, left);
    co_return false;
  }
  auto node = co_await client().get<corev1::Node>({"", pod->spec.node_name}, stop);
  if (node) co_return false;
  if (!node.error().is(Reason::kNotFound)) co_return std::unexpected(std::move(node).error());
  co_return true;
}

async::Task<Status> PodGarbageCollector::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto pod = pods_.get(key);
  if (!pod) co_return Status();
  auto orphan = co_await is_orphan(pod, stop);
  if (!orphan) co_return std::move(orphan).error();
  if (*orphan) co_return co_await mark_and_delete(pod, "PodGC: node no longer exists", stop);
  if (pod->spec.node_name.empty() && pod->metadata.deletion_timestamp)
    co_return co_await remove(pod, stop);
  const bool too_many = threshold_ > 0 && finished_.size() > threshold_;
  if (too_many && finished_.begin()->second == key) co_return co_await remove(pod, stop);
  co_return Status();
}

async::Task<Status> PodGarbageCollector::mark_and_delete(PodRef pod, std::string message,
                                                         async::StopToken stop) {
  if (!is_finished(*pod)) {
    const json::Value patch = json::Object{
        {"metadata", json::Object{{"uid", pod->metadata.uid}}},
        {"status",
         json::Object{
             {"phase", "Failed"},
             {"conditions", json::Array{json::Object{
                                {"type", "DisruptionTarget"},
                                {"status", "True"},
                                {"reason", "DeletionByPodGC"},
                                {"message", message},
                                {"lastTransitionTime", api::Time::from(now()).to_string()}}}}}}};
    auto patched = co_await client().patch<corev1::Pod>(
        api::key_of(*pod), client::PatchType::kStrategicMerge, json::write(patch), "status", stop);
    if (!patched && !patched.error().is(Reason::kNotFound)) co_return std::move(patched).error();
  }
  co_return co_await remove(pod, stop);
}

async::Task<Status> PodGarbageCollector::remove(PodRef pod, async::StopToken stop) {
  client::DeleteQuery query;
  query.grace_period_seconds = 0;
  query.uid = pod->metadata.uid;
  Status status = co_await client().remove<corev1::Pod>(api::key_of(*pod), query, stop);
  co_return status.is(Reason::kNotFound) ? Status() : status;
}

}  // namespace kpp::controllers
