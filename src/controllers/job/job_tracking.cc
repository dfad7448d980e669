// The second half of a look at a job: ends of pods are noted, then counted.
#include <algorithm>

#include "api/json_codec.h"
#include "async/wait.h"
#include "controllers/job/job_sync.h"

namespace kpp::controllers {
namespace {

constexpr std::size_t kMaxUncounted = 500;

bool is_success(const std::optional<batchv1::JobCondition>& finish) {
  return finish && finish->type == "SuccessCriteriaMet";
}

}  // namespace

async::Task<Status> JobSync::track(async::StopToken stop) {
  drop_untracked_from_uncounted();
  std::vector<PodRef> to_release;
  const bool all_noted = note_ended_pods(to_release);
  if (is_indexed(job_)) note_index_results();
  note_interim_condition();
  if (dirty_) KPP_CO_RETURN_IF_ERROR(co_await flush(stop));
  deps_.back_off = next_back_off_;
  if (!to_release.empty()) {
    co_await release(std::move(to_release), stop);
    drop_untracked_from_uncounted();
  }
  const bool finished = all_noted && enact_finish();
  if (dirty_) KPP_CO_RETURN_IF_ERROR(co_await flush(stop));
  if (finished) report_finish();
  co_return Status();
}

// Uncounted pods that have no finalizer any more are counted.
void JobSync::drop_untracked_from_uncounted() {
  std::set<std::string> tracked;
  for (const auto& pod : pods_) {
    const auto& uid = pod->metadata.uid;
    if (has_tracking_finalizer(*pod) && !deps_.untracked.contains(uid)) tracked.insert(uid);
  }
  auto& uncounted = job_.status.uncounted_terminated_pods.ensure();
  const auto gone = [&](const std::string& uid) { return !tracked.contains(uid); };
  const auto succeeded = static_cast<std::int32_t>(std::erase_if(uncounted.succeeded, gone));
  const auto failed = static_cast<std::int32_t>(std::erase_if(uncounted.failed, gone));
  job_.status.succeeded += succeeded;
  job_.status.failed += failed;
  if (succeeded > 0 || failed > 0) dirty_ = true;
}

bool JobSync::may_remove_finalizer(const PodRef& pod, bool failed) const {
  if (job_.metadata.deletion_timestamp || finish_ || pod->status.phase == "Succeeded") return true;
  if (!failed) return false;
  const auto it = delayed_.find(completion_index(job_, *pod));
  return it == delayed_.end() || it->second != pod;
}

// False if there are more than one status can note: the rest waits for the next look.
bool JobSync::note_ended_pods(std::vector<PodRef>& to_release) {
  std::vector<PodRef> ordered = pods_;
  if (is_indexed(job_)) {
    std::sort(ordered.begin(), ordered.end(), [&](const auto& a, const auto& b) {
      const int x = completion_index(job_, *a);
      const int y = completion_index(job_, *b);
      return x != y ? x < y : a->metadata.name < b->metadata.name;
    });
  }
  const auto& uncounted = *job_.status.uncounted_terminated_pods;
  for (const auto& pod : ordered) {
    if (!has_tracking_finalizer(*pod) || deps_.untracked.contains(pod->metadata.uid)) continue;
    const bool failed = is_failed(job_, *pod);
    if (!may_remove_finalizer(pod, failed)) continue;
    to_release.push_back(pod);
    count_ended(pod, failed);
    if (fresh_indexes_.size() + uncounted.succeeded.size() + uncounted.failed.size() >=
        kMaxUncounted) {
      deps_.queue.add(api::key_of(job_));
      return false;
    }
  }
  return true;
}

void JobSync::count_ended(const PodRef& pod, bool failed) {
  auto& uncounted = *job_.status.uncounted_terminated_pods;
  const auto& uid = pod->metadata.uid;
  const int index = is_indexed(job_) ? completion_index(job_, *pod) : 0;
  if (index < 0) return;
  if (pod->status.phase == "Succeeded" && !uncounted_failed_.contains(uid)) {
    if (is_indexed(job_)) {
      if (!before_succeeded_.contains(index)) fresh_indexes_.push_back(index);
    } else if (!uncounted_succeeded_.contains(uid)) {
      uncounted.succeeded.push_back(uid);
      dirty_ = true;
    }
  } else if (failed || (finish_ && !is_success(finish_))) {
    if (uncounted_failed_.contains(uid) || !match_failure_policy(job_, *pod).counts) return;
    uncounted.failed.push_back(uid);
    dirty_ = true;
  }
}

void JobSync::note_index_results() {
  IndexSet all = before_succeeded_;
  for (const int index : fresh_indexes_) all.insert(index);
  const std::string text = all.to_string();
  if (text != job_.status.completed_indexes || job_.status.succeeded != all.size()) dirty_ = true;
  job_.status.succeeded = all.size();
  job_.status.completed_indexes = text;
  if (!has_backoff_limit_per_index(job_)) return;
  const std::string failed = failed_indexes_.to_string();
  if (job_.status.failed_indexes != failed) dirty_ = true;
  job_.status.failed_indexes = failed;
}

// What the end will be stands in the status before the finalizers go.
void JobSync::note_interim_condition() {
  if (!finish_) return;
  if (finish_->type == "FailureTarget" || is_success(finish_)) {
    if (set_condition(finish_->type.c_str(), "True", finish_->reason, finish_->message))
      dirty_ = true;
    finish_->type = is_success(finish_) ? "Complete" : "Failed";
  }
}

async::Task<Status> JobSync::flush(async::StopToken stop) {
  auto written = co_await deps_.client.update_status<batchv1::Job>(job_, stop);
  if (!written) co_return std::move(written).error();
  job_ = std::move(*written);
  job_.status.uncounted_terminated_pods.ensure();
  dirty_ = false;
  co_return Status();
}

async::Task<void> JobSync::release(std::vector<PodRef> pods, async::StopToken stop) {
  std::vector<async::Task<void>> tasks;
  for (const auto& pod : pods) tasks.push_back(release_one(pod, stop));
  co_await async::all(deps_.executor, std::move(tasks));
}

async::Task<void> JobSync::release_one(PodRef pod, async::StopToken stop) {
  const json::Value patch = json::Object{
      {"metadata",
       json::Object{{"uid", pod->metadata.uid},
                    {"$deleteFromPrimitiveList/finalizers", json::Array{kJobTrackingFinalizer}}}}};
  auto patched = co_await deps_.client.patch<corev1::Pod>(
      api::key_of(*pod), client::PatchType::kStrategicMerge, json::write(patch), {}, stop);
  if (patched || patched.error().is(Reason::kNotFound)) {
    deps_.untracked.insert(pod->metadata.uid);
  } else {
    error_ = std::move(patched).error();
  }
}

bool JobSync::enact_finish() {
  if (!finish_) return false;
  const auto& uncounted = *job_.status.uncounted_terminated_pods;
  if (!uncounted.succeeded.empty() || !uncounted.failed.empty() || terminating_ > 0) return false;
  set_condition(finish_->type.c_str(), "True", finish_->reason, finish_->message);
  if (finish_->type == "Complete") job_.status.completion_time = api::Time::from(now());
  dirty_ = true;
  return true;
}

void JobSync::report_finish() {
  if (finish_->type != "Complete") return event("Warning", finish_->reason, finish_->message);
  if (job_.spec.completions && job_.status.succeeded > *job_.spec.completions)
    event("Warning", "TooManySucceededPods", "Too many succeeded pods recorded");
  event("Normal", "Completed", "Job completed");
}

}  // namespace kpp::controllers
