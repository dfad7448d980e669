#include "controllers/job/job_pods.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "controllers/pod_state.h"
#include "controllers/replicaset/replicaset_pods.h"

namespace kpp::controllers {
namespace {

constexpr const char* kCompletionIndex = "batch.kubernetes.io/job-completion-index";
constexpr const char* kIndexFailures = "batch.kubernetes.io/job-index-failure-count";
constexpr const char* kIndexIgnoredFailures = "batch.kubernetes.io/job-index-ignored-failure-count";
constexpr const char* kIndexVariable = "JOB_COMPLETION_INDEX";
constexpr std::size_t kMaxGeneratedName = 63 - 5;
constexpr Duration kFirstBackOff = std::chrono::seconds(10);
constexpr Duration kLongestBackOff = std::chrono::minutes(10);

int annotated_number(const corev1::Pod& pod, const char* annotation, int fallback) {
  const auto it = pod.metadata.annotations.find(annotation);
  if (it == pod.metadata.annotations.end()) return fallback;
  int out = 0;
  const auto& text = it->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= 0 ? out : fallback;
}

using ExitCodes = batchv1::PodFailurePolicyOnExitCodesRequirement;

const corev1::ContainerStatus* exit_code_match(const std::vector<corev1::ContainerStatus>& all,
                                               const ExitCodes& wanted) {
  for (const auto& status : all) {
    if (!status.state.terminated) continue;
    if (wanted.container_name && *wanted.container_name != status.name) continue;
    const std::int32_t code = status.state.terminated->exit_code;
    if (code == 0) continue;
    const bool listed =
        std::find(wanted.values.begin(), wanted.values.end(), code) != wanted.values.end();
    if (listed == (wanted.operator_ == "In")) return &status;
  }
  return nullptr;
}

std::optional<std::string> rule_match(const corev1::Pod& pod,
                                      const batchv1::PodFailurePolicyRule& rule) {
  const std::string name = cat(pod.metadata.namespace_, "/", pod.metadata.name);
  if (rule.on_exit_codes) {
    const auto* found = exit_code_match(pod.status.container_statuses, *rule.on_exit_codes);
    if (!found) found = exit_code_match(pod.status.init_container_statuses, *rule.on_exit_codes);
    if (!found) return std::nullopt;
    return cat("Container ", found->name, " for pod ", name, " failed with exit code ",
               found->state.terminated->exit_code);
  }
  for (const auto& condition : pod.status.conditions) {
    for (const auto& pattern : rule.on_pod_conditions) {
      const std::string wanted = pattern.status.empty() ? "True" : pattern.status;
      if (pattern.type == condition.type && wanted == condition.status)
        return cat("Pod ", name, " has condition ", condition.type);
    }
  }
  return std::nullopt;
}

void add_index_variable(std::vector<corev1::Container>& containers) {
  for (auto& container : containers) {
    const bool there = std::any_of(container.env.begin(), container.env.end(),
                                   [](const auto& e) { return e.name == kIndexVariable; });
    if (there) continue;
    auto& variable = container.env.emplace_back();
    variable.name = kIndexVariable;
    variable.value_from.ensure().field_ref.ensure().field_path =
        cat("metadata.labels['", kCompletionIndex, "']");
  }
}

}  // namespace

bool is_indexed(const batchv1::Job& job) {
  return job.spec.completion_mode.value_or("") == "Indexed" && job.spec.completions;
}
bool has_backoff_limit_per_index(const batchv1::Job& job) {
  return is_indexed(job) && job.spec.backoff_limit_per_index;
}
bool is_suspended(const batchv1::Job& job) { return job.spec.suspend.value_or(false); }

bool replaces_failed_only(const batchv1::Job& job) {
  if (job.spec.pod_replacement_policy) return *job.spec.pod_replacement_policy == "Failed";
  return job.spec.pod_failure_policy.has_value();
}

const batchv1::JobCondition* job_condition(const batchv1::JobStatus& status,
                                           std::string_view type) {
  const auto it = std::find_if(status.conditions.begin(), status.conditions.end(),
                               [&](const auto& c) { return c.type == type; });
  return it == status.conditions.end() ? nullptr : &*it;
}

bool is_finished(const batchv1::Job& job) {
  for (const auto* type : {"Complete", "Failed"}) {
    const auto* condition = job_condition(job.status, type);
    if (condition && condition->status == "True") return true;
  }
  return false;
}

bool has_tracking_finalizer(const corev1::Pod& pod) {
  const auto& all = pod.metadata.finalizers;
  return std::find(all.begin(), all.end(), kJobTrackingFinalizer) != all.end();
}

bool is_failed(const batchv1::Job& job, const corev1::Pod& pod) {
  if (pod.status.phase == "Failed") return true;
  if (replaces_failed_only(job)) return false;
  return pod.metadata.deletion_timestamp && pod.status.phase != "Succeeded";
}

int completion_index(const batchv1::Job& job, const corev1::Pod& pod) {
  const int index = annotated_number(pod, kCompletionIndex, -1);
  return index < job.spec.completions.value_or(0) ? index : -1;
}
int index_failures(const corev1::Pod& pod) { return annotated_number(pod, kIndexFailures, 0); }
int index_ignored_failures(const corev1::Pod& pod) {
  return annotated_number(pod, kIndexIgnoredFailures, 0);
}

WallTime finish_time(const corev1::Pod& pod) {
  std::optional<WallTime> latest;
  for (const auto& status : pod.status.container_statuses) {
    if (!status.state.terminated || status.state.terminated->finished_at.is_zero()) {
      latest.reset();
      break;
    }
    const WallTime at = status.state.terminated->finished_at.wall();
    latest = latest ? std::max(*latest, at) : at;
  }
  if (latest) return *latest;
  const auto* ready = pod_condition(pod, "Ready");
  if (ready && ready->status == "False" && !ready->last_transition_time.is_zero())
    return ready->last_transition_time.wall();
  if (pod.metadata.deletion_timestamp) {
    return pod.metadata.deletion_timestamp->wall() -
           std::chrono::seconds(pod.metadata.deletion_grace_period_seconds.value_or(0));
  }
  return pod.metadata.creation_timestamp.wall();
}

PolicyMatch match_failure_policy(const batchv1::Job& job, const corev1::Pod& pod) {
  if (!job.spec.pod_failure_policy) return {};
  const auto& rules = job.spec.pod_failure_policy->rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto what = rule_match(pod, rules[i]);
    if (!what) continue;
    PolicyMatch out;
    out.action = rules[i].action;
    out.counts = out.action != "Ignore";
    if (out.action == "FailJob")
      out.fail_message = cat(*what, " matching ", out.action, " rule at index ", i);
    return out;
  }
  return {};
}

std::optional<std::string> match_success_policy(const batchv1::Job& job,
                                                const IndexSet& succeeded) {
  if (!job.spec.success_policy) return std::nullopt;
  const auto& rules = job.spec.success_policy->rules;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    int have = succeeded.size();
    int need = rules[i].succeeded_count.value_or(0);
    if (rules[i].succeeded_indexes) {
      const IndexSet listed =
          IndexSet::parse(*rules[i].succeeded_indexes, job.spec.completions.value_or(0));
      have = succeeded.common_with(listed);
      if (!rules[i].succeeded_count) need = listed.size();
    } else if (!rules[i].succeeded_count) {
      continue;
    }
    if (have >= need) return cat("Matched rules at index ", i);
  }
  return std::nullopt;
}

bool restarts_reach_limit(const batchv1::Job& job, const std::vector<PodRef>& pods) {
  if (job.spec.template_.spec.restart_policy != "OnFailure") return false;
  std::int32_t restarts = 0;
  for (const auto& pod : pods) {
    if (pod->status.phase != "Running" && pod->status.phase != "Pending") continue;
    for (const auto* list :
         {&pod->status.init_container_statuses, &pod->status.container_statuses}) {
      for (const auto& status : *list) restarts += status.restart_count;
    }
  }
  const std::int32_t limit = job.spec.backoff_limit.value_or(6);
  return limit == 0 ? restarts > 0 : restarts >= limit;
}

corev1::Pod job_pod(const batchv1::Job& job) {
  corev1::Pod pod = pod_from_template(job.spec.template_, {&batchv1::Job::desc(), job.metadata});
  auto& finalizers = pod.metadata.finalizers;
  if (std::find(finalizers.begin(), finalizers.end(), kJobTrackingFinalizer) == finalizers.end())
    finalizers.emplace_back(kJobTrackingFinalizer);
  return pod;
}

corev1::Pod job_pod_for_index(const batchv1::Job& job, int index, const corev1::Pod* replaced) {
  corev1::Pod pod = job_pod(job);
  add_index_variable(pod.spec.init_containers);
  add_index_variable(pod.spec.containers);
  const std::string number = std::to_string(index);
  pod.metadata.annotations[kCompletionIndex] = number;
  pod.metadata.labels[kCompletionIndex] = number;
  pod.spec.hostname = cat(job.metadata.name, "-", number);
  const std::string suffix = cat("-", number, "-");
  pod.metadata.generate_name =
      cat(job.metadata.name.substr(0, kMaxGeneratedName - suffix.size()), suffix);
  if (!has_backoff_limit_per_index(job)) return pod;
  int failures = 0;
  int ignored = 0;
  if (replaced) {
    failures = index_failures(*replaced);
    ignored = index_ignored_failures(*replaced);
    ++(match_failure_policy(job, *replaced).counts ? failures : ignored);
  }
  pod.metadata.annotations[kIndexFailures] = std::to_string(failures);
  if (ignored > 0) pod.metadata.annotations[kIndexIgnoredFailures] = std::to_string(ignored);
  return pod;
}

std::vector<PodRef> active_pods_to_remove(const batchv1::Job& job, std::vector<PodRef> active,
                                          std::size_t at_least, WallTime now) {
  std::vector<PodRef> out;
  std::vector<PodRef> left;
  if (is_indexed(job)) {
    std::map<int, std::vector<PodRef>> by_index;
    for (const auto& pod : active) by_index[completion_index(job, *pod)].push_back(pod);
    for (auto& [index, pods] : by_index) {
      const std::size_t keep = index < 0 ? 0 : 1;
      const std::size_t doubles = pods.size() - keep;
      const auto doomed = pods_to_delete(pods, {}, doubles, now);
      for (const auto& pod : pods) {
        const bool goes = std::find(doomed.begin(), doomed.end(), pod) != doomed.end();
        (goes ? out : left).push_back(pod);
      }
    }
  } else {
    left = std::move(active);
  }
  if (out.size() < at_least) {
    const std::size_t more = std::min(at_least - out.size(), left.size());
    for (auto& pod : pods_to_delete(std::move(left), {}, more, now)) out.push_back(std::move(pod));
  }
  return out;
}

BackOffRecord BackOffRecord::with(const std::vector<PodRef>& succeeded,
                                  const std::vector<PodRef>& failed) const {
  BackOffRecord out = *this;
  std::optional<WallTime> success;
  for (const auto& pod : succeeded) {
    const WallTime at = finish_time(*pod);
    success = success ? std::max(*success, at) : at;
  }
  if (success) out = BackOffRecord();
  for (const auto& pod : failed) {
    const WallTime at = finish_time(*pod);
    if (success && at <= *success) continue;
    ++out.failures;
    out.last_failure = std::max(out.last_failure, at);
  }
  return out;
}

Duration BackOffRecord::remaining(WallTime now) const {
  if (failures == 0) return Duration::zero();
  Duration wait = kFirstBackOff;
  for (int i = 1; i < failures && wait < kLongestBackOff; ++i) wait *= 2;
  wait = std::min(wait, kLongestBackOff);
  const auto elapsed = std::chrono::duration_cast<Duration>(now - last_failure);
  return elapsed < wait ? wait - elapsed : Duration::zero();
}

}  // namespace kpp::controllers
