// One look at a job: what its pods have come to, which pods it needs, what its status says.
#pragma once

#include <set>

#include "client/work_queue.h"
#include "controllers/job/job_pods.h"

namespace kpp::controllers {

// Lives for one reconciliation.
//
// Guarantees: a pod's end is written into the status (as uncounted) before its tracking finalizer
//   goes, and into the counts after: nothing is counted twice or lost, whenever it is cut off.
// Ownership: all of Deps must outlive it.
class JobSync {
 public:
  struct Deps {
    async::Executor& executor;
    client::Client& client;
    client::EventRecorder& events;
    client::WorkQueue& queue;
    PodControl& pod_control;
    Expectations& expectations;
    // Pods whose finalizer is gone, though the cache does not show it yet.
    std::set<std::string>& untracked;
    BackOffRecord& back_off;
  };
  // `settled`: earlier creations and deletions have all been seen.
  JobSync(Deps deps, batchv1::Job job, std::vector<PodRef> pods, bool settled);

  async::Task<Status> run(async::StopToken stop);

 private:
  void count();
  void count_indexes();
  void decide_failure();
  void decide_index_failure();
  void finish_as(const char* type, std::string reason, std::string message);
  async::Task<void> end_active_pods(async::StopToken stop);
  async::Task<void> continue_work(async::StopToken stop);
  void note_suspension();
  async::Task<void> manage(async::StopToken stop);
  async::Task<void> remove_pods(std::vector<PodRef> pods, async::StopToken stop);
  async::Task<void> create_pods(int count, async::StopToken stop);
  std::vector<int> pending_indexes(int count) const;
  std::vector<int> indexes_due(std::vector<int> indexes);
  int wanted_active() const;
  void find_delayed();

  // job_tracking.cc
  async::Task<Status> track(async::StopToken stop);
  bool may_remove_finalizer(const PodRef& pod, bool failed) const;
  void drop_untracked_from_uncounted();
  bool note_ended_pods(std::vector<PodRef>& to_release);
  void count_ended(const PodRef& pod, bool failed);
  void note_index_results();
  void note_interim_condition();
  async::Task<Status> flush(async::StopToken stop);
  async::Task<void> release(std::vector<PodRef> pods, async::StopToken stop);
  async::Task<void> release_one(PodRef pod, async::StopToken stop);
  bool enact_finish();
  void report_finish();

  bool set_condition(const char* type, const char* status, std::string reason, std::string message);
  void event(const char* type, std::string_view reason, std::string message);
  WallTime now() const { return deps_.executor.wall(); }

  Deps deps_;
  batchv1::Job job_;
  const std::vector<PodRef> pods_;
  const bool settled_;

  std::vector<PodRef> active_;
  std::vector<PodRef> new_succeeded_, new_failed_;
  std::set<std::string> uncounted_succeeded_, uncounted_failed_;
  BackOffRecord next_back_off_;
  std::int32_t active_count_ = 0, ready_ = 0, terminating_ = 0, succeeded_ = 0, failed_ = 0;
  IndexSet before_succeeded_, succeeded_indexes_, failed_indexes_;
  std::vector<int> fresh_indexes_;
  std::map<int, PodRef> delayed_;  // failed pods that stay until their index has a new one
  std::optional<batchv1::JobCondition> finish_;
  bool dirty_ = false;  // the status must be written
  Status error_;
};

}  // namespace kpp::controllers
