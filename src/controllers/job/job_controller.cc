#include "controllers/job/job_controller.h"

#include "codec/json.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr std::string_view kOwnName = "kubernetes.io/job-controller";

bool is_ours(const batchv1::Job& job) {
  return job.spec.managed_by.value_or("kubernetes.io/job-controller") == kOwnName;
}
// Changes of pods that go on are gathered: a container that is started again is often about to end.
constexpr Duration kBatchPeriod = std::chrono::seconds(1);
bool is_over(const corev1::Pod& pod) {
  return pod.metadata.deletion_timestamp || pod.status.phase == "Succeeded" ||
         pod.status.phase == "Failed";
}
bool may_adopt(const corev1::Pod&) { return true; }

}  // namespace

JobController::JobController(ControllerContext context)
    : Controller(context, "job-controller", "job-controller"),
      pod_control_(client(), events()),
      expectations_(executor()),
      jobs_(watch<batchv1::Job>(
          [this](const JobRef& before, const JobRef& after) { on_job(before, after); })),
      pods_(watch<corev1::Pod>(
          [this](const PodRef& before, const PodRef& after) { on_pod(before, after); })) {}

void JobController::forget(const api::ObjectKey& key) {
  expectations_.forget(key);
  untracked_.erase(key);
  back_off_.erase(key);
}

void JobController::on_job(const JobRef& before, const JobRef& after) {
  const auto key = api::key_of(after ? *after : *before);
  if (!after) forget(key);
  queue().add(key);
}

JobController::JobRef JobController::job_of(const std::string& namespace_,
                                            const metav1::OwnerReference* controller) const {
  if (!controller || controller->kind != "Job") return nullptr;
  auto job = jobs_.get({namespace_, controller->name});
  return job && job->metadata.uid == controller->uid ? job : nullptr;
}

void JobController::on_pod(const PodRef& before, const PodRef& after) {
  const auto& pod = after ? *after : *before;
  const auto& ns = pod.metadata.namespace_;
  const auto* controller = api::controller_of(pod.metadata);
  const auto job = job_of(ns, controller);
  if (before && after) {
    const auto old_job = job_of(ns, api::controller_of(before->metadata));
    if (old_job && old_job != job) queue().add(api::key_of(*old_job));
  }
  if (job) {
    const auto key = api::key_of(*job);
    if (!after || after->metadata.deletion_timestamp) {
      expectations_.deletion_seen(key, pod.metadata.uid);
    } else if (!before) {
      expectations_.creation_seen(key);
    }
    if (!after || !has_tracking_finalizer(*after)) {
      const auto it = untracked_.find(key);
      if (it != untracked_.end()) it->second.erase(pod.metadata.uid);
    }
    if (before && after && !is_over(*after)) {
      queue().add_after(key, kBatchPeriod);
    } else {
      queue().add(key);
    }
    return;
  }
  if (!after) return;
  if (controller) {
    if (controller->kind == "Job" && has_tracking_finalizer(*after))
      queue().add({ns, controller->name});
    return;
  }
  for (const auto& other : jobs_.in_namespace(ns)) {
    if (other->spec.selector && !is_empty(*other->spec.selector) &&
        selects(*other->spec.selector, after->metadata.labels)) {
      queue().add(api::key_of(*other));
    }
  }
}

async::Task<Status> JobController::release_orphans(api::ObjectKey key, std::string live_uid,
                                                   async::StopToken stop) {
  for (const auto& pod : pods_.in_namespace(key.namespace_)) {
    const auto* controller = api::controller_of(pod->metadata);
    if (!controller || controller->kind != "Job" || controller->name != key.name ||
        controller->uid == live_uid || !has_tracking_finalizer(*pod)) {
      continue;
    }
    const json::Value patch =
        json::Object{{"metadata", json::Object{{"uid", pod->metadata.uid},
                                               {"$deleteFromPrimitiveList/finalizers",
                                                json::Array{kJobTrackingFinalizer}}}}};
    auto patched = co_await client().patch<corev1::Pod>(
        api::key_of(*pod), client::PatchType::kStrategicMerge, json::write(patch), {}, stop);
    if (!patched && !patched.error().is(Reason::kNotFound)) co_return std::move(patched).error();
  }
  co_return Status();
}

async::Task<Status> JobController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const JobRef job = jobs_.get(key);
  KPP_CO_RETURN_IF_ERROR(
      co_await release_orphans(key, job ? job->metadata.uid : std::string(), stop));
  if (!job) {
    forget(key);
    co_return Status();
  }
  if (!is_ours(*job) || !job->spec.selector) co_return Status();
  if (is_finished(*job)) {
    back_off_.erase(key);
    co_return Status();
  }
  const bool settled = expectations_.satisfied(key);
  auto pods = co_await claim_all<corev1::Pod>(
      client(), &batchv1::Job::desc(), job->metadata, *job->spec.selector,
      pods_.in_namespace(key.namespace_), &may_adopt, stop, kJobTrackingFinalizer);
  if (!pods) co_return std::move(pods).error();
  JobSync sync({executor(), client(), events(), queue(), pod_control_, expectations_,
                untracked_[key], back_off_[key]},
               *job, std::move(*pods), settled);
  co_return co_await sync.run(stop);
}

}  // namespace kpp::controllers
