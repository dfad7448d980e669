#include "controllers/job/job_sync.h"

#include <algorithm>

#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

constexpr std::int32_t kMaxPodsAtOnce = 500;

std::set<std::string> as_set(const std::vector<std::string>& list) {
  return {list.begin(), list.end()};
}

}  // namespace

JobSync::JobSync(Deps deps, batchv1::Job job, std::vector<PodRef> pods, bool settled)
    : deps_(deps), job_(std::move(job)), pods_(std::move(pods)), settled_(settled) {}

void JobSync::event(const char* type, std::string_view reason, std::string message) {
  deps_.events.event(client::reference_to(batchv1::Job::desc(), job_.metadata), type, reason,
                     std::move(message));
}

bool JobSync::set_condition(const char* type, const char* status, std::string reason,
                            std::string message) {
  auto& all = job_.status.conditions;
  auto it = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
  if (it == all.end()) {
    if (std::string_view(status) != "True") return false;
    it = all.emplace(all.end());
    it->type = type;
  } else if (it->status == status && it->reason == reason && it->message == message) {
    return false;
  }
  it->status = status;
  it->reason = std::move(reason);
  it->message = std::move(message);
  it->last_probe_time = it->last_transition_time = api::Time::from(now());
  return true;
}

void JobSync::finish_as(const char* type, std::string reason, std::string message) {
  finish_.emplace();
  finish_->type = type;
  finish_->reason = std::move(reason);
  finish_->message = std::move(message);
}

async::Task<Status> JobSync::run(async::StopToken stop) {
  count();
  if (!job_.status.start_time && !is_suspended(job_))
    job_.status.start_time = api::Time::from(now());
  decide_failure();
  if (is_indexed(job_)) decide_index_failure();
  if (finish_) {
    co_await end_active_pods(stop);
  } else {
    co_await continue_work(stop);
  }
  const auto& old = job_.status;
  if (old.active != active_count_ || old.ready != ready_ || old.terminating != terminating_)
    dirty_ = true;
  job_.status.active = active_count_;
  job_.status.ready = ready_;
  job_.status.terminating = terminating_;
  const Status tracked = co_await track(stop);
  if (!error_.ok()) co_return error_;
  co_return tracked;
}

void JobSync::count() {
  auto& uncounted = job_.status.uncounted_terminated_pods.ensure();
  uncounted_succeeded_ = as_set(uncounted.succeeded);
  uncounted_failed_ = as_set(uncounted.failed);
  int counted_failures = 0;
  for (const auto& pod : pods_) {
    if (is_active(*pod)) {
      active_.push_back(pod);
      if (is_ready(*pod)) ++ready_;
    }
    if (is_terminating(*pod)) ++terminating_;
    const auto& uid = pod->metadata.uid;
    if (!has_tracking_finalizer(*pod) || deps_.untracked.contains(uid)) continue;
    if (is_indexed(job_) && completion_index(job_, *pod) < 0) continue;
    if (uncounted_succeeded_.contains(uid) || uncounted_failed_.contains(uid)) continue;
    if (pod->status.phase == "Succeeded") {
      new_succeeded_.push_back(pod);
    } else if (is_failed(job_, *pod)) {
      new_failed_.push_back(pod);
      if (match_failure_policy(job_, *pod).counts) ++counted_failures;
    }
  }
  active_count_ = static_cast<std::int32_t>(active_.size());
  succeeded_ = job_.status.succeeded +
               static_cast<std::int32_t>(new_succeeded_.size() + uncounted_succeeded_.size());
  failed_ =
      job_.status.failed + counted_failures + static_cast<std::int32_t>(uncounted_failed_.size());
  next_back_off_ = deps_.back_off.with(new_succeeded_, new_failed_);
}

void JobSync::decide_failure() {
  if (const auto* met = job_condition(job_.status, "SuccessCriteriaMet");
      met && met->status == "True") {
    finish_ = *met;
    return;
  }
  if (const auto* target = job_condition(job_.status, "FailureTarget");
      target && target->status == "True") {
    finish_as("Failed", target->reason, target->message);
    return;
  }
  for (const auto& pod : pods_) {
    if (!is_failed(job_, *pod)) continue;
    auto match = match_failure_policy(job_, *pod);
    if (match.fail_message.empty()) continue;
    return finish_as("FailureTarget", "PodFailurePolicy", std::move(match.fail_message));
  }
  if (failed_ > job_.spec.backoff_limit.value_or(6) || restarts_reach_limit(job_, pods_)) {
    return finish_as("FailureTarget", "BackoffLimitExceeded",
                     "Job has reached the specified backoff limit");
  }
  if (!job_.spec.active_deadline_seconds || !job_.status.start_time || is_suspended(job_)) return;
  const auto left = job_.status.start_time->wall() +
                    std::chrono::seconds(*job_.spec.active_deadline_seconds) - now();
  if (left <= left.zero()) {
    return finish_as("FailureTarget", "DeadlineExceeded",
                     "Job was active longer than specified deadline");
  }
  deps_.queue.add_after(api::key_of(job_), std::chrono::duration_cast<Duration>(left));
}

void JobSync::count_indexes() {
  const int completions = *job_.spec.completions;
  before_succeeded_ = IndexSet::parse(job_.status.completed_indexes, completions);
  succeeded_indexes_ = before_succeeded_;
  failed_indexes_ = IndexSet::parse(job_.status.failed_indexes.value_or(""), completions);
  for (const auto& pod : pods_) {
    const int index = completion_index(job_, *pod);
    if (index < 0 || !has_tracking_finalizer(*pod)) continue;
    if (pod->status.phase == "Succeeded") succeeded_indexes_.insert(index);
    if (!has_backoff_limit_per_index(job_) || !is_failed(job_, *pod)) continue;
    const auto match = match_failure_policy(job_, *pod);
    if (match.action == "FailIndex" ||
        (match.counts && index_failures(*pod) >= *job_.spec.backoff_limit_per_index))
      failed_indexes_.insert(index);
  }
  succeeded_ = succeeded_indexes_.size();
}

void JobSync::decide_index_failure() {
  count_indexes();
  if (has_backoff_limit_per_index(job_)) {
    const int failed = failed_indexes_.size();
    if (!finish_ && job_.spec.max_failed_indexes && failed > *job_.spec.max_failed_indexes) {
      finish_as("FailureTarget", "MaxFailedIndexesExceeded",
                "Job has exceeded the specified maximal number of failed indexes");
    } else if (!finish_ && failed > 0 && failed + succeeded_ >= *job_.spec.completions) {
      finish_as("FailureTarget", "FailedIndexes", "Job has failed indexes");
    }
    find_delayed();
  }
  if (finish_) return;
  if (auto message = match_success_policy(job_, succeeded_indexes_))
    finish_as("SuccessCriteriaMet", "SuccessPolicy", std::move(*message));
}

// The last failed pod of an index tells how often it failed: it stays until the next one is there.
void JobSync::find_delayed() {
  std::set<int> running;
  for (const auto& pod : active_) running.insert(completion_index(job_, *pod));
  for (const auto& pod : pods_) {
    const int index = completion_index(job_, *pod);
    if (index < 0 || !is_failed(job_, *pod) || !has_tracking_finalizer(*pod) ||
        deps_.untracked.contains(pod->metadata.uid)) {
      continue;
    }
    if (succeeded_indexes_.contains(index) || failed_indexes_.contains(index) ||
        running.contains(index)) {
      continue;
    }
    PodRef& last = delayed_[index];
    const auto total = [](const PodRef& p) {
      return index_failures(*p) + index_ignored_failures(*p);
    };
    if (!last || (total(last) <= total(pod) && finish_time(*pod) >= finish_time(*last))) last = pod;
  }
}

async::Task<void> JobSync::end_active_pods(async::StopToken stop) {
  co_await remove_pods(active_, stop);
  // Pods may be left that the cache does not know, or that could not be deleted.
  if (active_count_ != 0 || !settled_) finish_.reset();
}

async::Task<void> JobSync::continue_work(async::StopToken stop) {
  const bool managed = settled_ && !job_.metadata.deletion_timestamp;
  if (managed) co_await manage(stop);
  const bool complete =
      job_.spec.completions ? succeeded_ >= *job_.spec.completions : succeeded_ > 0;
  if (complete && active_count_ == 0) {
    finish_as("SuccessCriteriaMet", "CompletionsReached",
              "Reached expected number of succeeded pods");
  } else if (managed) {
    note_suspension();
  }
}

void JobSync::note_suspension() {
  if (is_suspended(job_)) {
    if (!set_condition("Suspended", "True", "JobSuspended", "Job suspended")) return;
    event("Normal", "Suspended", "Job suspended");
  } else {
    if (!set_condition("Suspended", "False", "JobResumed", "Job resumed")) return;
    event("Normal", "Resumed", "Job resumed");
    job_.status.start_time = api::Time::from(now());  // the deadline counts from here
  }
  dirty_ = true;
}

int JobSync::wanted_active() const {
  const std::int32_t parallelism = job_.spec.parallelism.value_or(1);
  if (!job_.spec.completions) return succeeded_ > 0 ? active_count_ : parallelism;
  const std::int32_t left = *job_.spec.completions - succeeded_ - failed_indexes_.size();
  return std::clamp(left, 0, std::max(parallelism, 0));
}

async::Task<void> JobSync::manage(async::StopToken stop) {
  const int wanted = is_suspended(job_) ? 0 : wanted_active();
  const auto surplus = static_cast<std::size_t>(std::max(0, active_count_ - wanted));
  auto doomed = active_pods_to_remove(job_, active_, surplus, now());
  if (!doomed.empty()) {
    if (doomed.size() > kMaxPodsAtOnce) doomed.resize(kMaxPodsAtOnce);
    co_await remove_pods(std::move(doomed), stop);
    co_return;  // creations wait for the next look
  }
  const int waiting = replaces_failed_only(job_) ? terminating_ : 0;
  const int missing = std::min(wanted - waiting - active_count_, kMaxPodsAtOnce);
  if (missing > 0) co_await create_pods(missing, stop);
}

async::Task<void> JobSync::remove_pods(std::vector<PodRef> pods, async::StopToken stop) {
  PodBatch batch({deps_.executor, deps_.pod_control, deps_.expectations},
                 {&batchv1::Job::desc(), job_.metadata});
  Status status = co_await batch.run({}, std::move(pods), stop);
  if (!status.ok()) error_ = std::move(status);
  const auto count = static_cast<std::int32_t>(batch.deleted().size());
  for (const auto& pod : batch.deleted()) ready_ -= is_ready(*pod) ? 1 : 0;
  active_count_ -= count;
  terminating_ += count;
}

std::vector<int> JobSync::pending_indexes(int count) const {
  std::set<int> busy;
  for (const auto& pod : pods_) {
    if (is_active(*pod) || (replaces_failed_only(job_) && is_terminating(*pod)))
      busy.insert(completion_index(job_, *pod));
  }
  std::vector<int> out;
  for (int i = 0; i < *job_.spec.completions && static_cast<int>(out.size()) < count; ++i) {
    if (!busy.contains(i) && !succeeded_indexes_.contains(i) && !failed_indexes_.contains(i))
      out.push_back(i);
  }
  return out;
}

// Each index waits for itself; the soonest wakes the job.
std::vector<int> JobSync::indexes_due(std::vector<int> indexes) {
  std::vector<int> out;
  std::optional<Duration> soonest;
  for (const int index : indexes) {
    const auto it = delayed_.find(index);
    Duration wait = Duration::zero();
    if (it != delayed_.end()) {
      const auto& pod = *it->second;
      const BackOffRecord record{index_failures(pod) + index_ignored_failures(pod) + 1,
                                 finish_time(pod)};
      wait = record.remaining(now());
    }
    if (wait == Duration::zero()) {
      out.push_back(index);
    } else {
      soonest = soonest ? std::min(*soonest, wait) : wait;
    }
  }
  if (soonest) deps_.queue.add_after(api::key_of(job_), *soonest);
  return out;
}

async::Task<void> JobSync::create_pods(int count, async::StopToken stop) {
  if (!has_backoff_limit_per_index(job_)) {
    const Duration wait = next_back_off_.remaining(now());
    if (wait > Duration::zero()) {
      deps_.queue.add_after(api::key_of(job_), wait);
      co_return;
    }
  }
  std::vector<corev1::Pod> fresh;
  if (is_indexed(job_)) {
    std::vector<int> indexes = pending_indexes(count);
    if (has_backoff_limit_per_index(job_)) indexes = indexes_due(std::move(indexes));
    for (const int index : indexes) {
      const auto it = delayed_.find(index);
      fresh.push_back(
          job_pod_for_index(job_, index, it == delayed_.end() ? nullptr : it->second.get()));
    }
  } else {
    for (int i = 0; i < count; ++i) fresh.push_back(job_pod(job_));
  }
  PodBatch batch({deps_.executor, deps_.pod_control, deps_.expectations},
                 {&batchv1::Job::desc(), job_.metadata});
  Status status = co_await batch.run(std::move(fresh), {}, stop);
  if (!status.ok()) error_ = std::move(status);
  active_count_ += batch.created();
}

}  // namespace kpp::controllers
