// Decisions of the job controller about pods, without the API.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/batchv1.h"
#include "base/clock.h"
#include "controllers/job/index_set.h"
#include "controllers/pod_batch.h"

namespace kpp::controllers {

inline constexpr const char* kJobTrackingFinalizer = "batch.kubernetes.io/job-tracking";

bool is_indexed(const batchv1::Job& job);
bool has_backoff_limit_per_index(const batchv1::Job& job);
bool is_suspended(const batchv1::Job& job);
// Pods that are being deleted are replaced only once they have failed.
bool replaces_failed_only(const batchv1::Job& job);
const batchv1::JobCondition* job_condition(const batchv1::JobStatus& status, std::string_view type);
// Complete or Failed.
bool is_finished(const batchv1::Job& job);

bool has_tracking_finalizer(const corev1::Pod& pod);
// Failed, or on its way out without having succeeded.
bool is_failed(const batchv1::Job& job, const corev1::Pod& pod);
// -1: none, or none that the job has.
int completion_index(const batchv1::Job& job, const corev1::Pod& pod);
int index_failures(const corev1::Pod& pod);          // those that count
int index_ignored_failures(const corev1::Pod& pod);  // those that the policy lets pass
WallTime finish_time(const corev1::Pod& pod);

struct PolicyMatch {
  std::string fail_message;  // of a rule FailJob
  bool counts = true;
  std::string action;  // empty: no rule matches
};
PolicyMatch match_failure_policy(const batchv1::Job& job, const corev1::Pod& pod);
// The first rule of the success policy that holds: "Matched rules at index 0".
std::optional<std::string> match_success_policy(const batchv1::Job& job, const IndexSet& succeeded);
// Restarts of OnFailure pods reach the limit.
bool restarts_reach_limit(const batchv1::Job& job, const std::vector<PodRef>& pods);

// A pod of the job; of an indexed one for `index`. `replaced`: the failed pod whose place it takes,
// if failures are counted by index.
corev1::Pod job_pod(const batchv1::Job& job);
corev1::Pod job_pod_for_index(const batchv1::Job& job, int index, const corev1::Pod* replaced);

// The pods to delete: doubles of an index and what is beyond the completions, then as many as
// `at_least` asks for.
std::vector<PodRef> active_pods_to_remove(const batchv1::Job& job, std::vector<PodRef> active,
                                          std::size_t at_least, WallTime now);

// Failures since the last success; how long the next pod waits.
struct BackOffRecord {
  int failures = 0;
  WallTime last_failure{};

  BackOffRecord with(const std::vector<PodRef>& succeeded, const std::vector<PodRef>& failed) const;
  Duration remaining(WallTime now) const;
};

}  // namespace kpp::controllers
