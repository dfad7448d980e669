// The group batch.
#include <limits>

#include "api/batchv1.h"
#include "api/defaults/rules.h"

namespace kpp::api::defaults {
namespace {

using namespace batchv1;

void job(Job& object) {
  auto& spec = object.spec;
  if (!spec.completions && !spec.parallelism) spec.completions = 1;
  set(spec.parallelism, 1);
  set(spec.backoff_limit,
      spec.backoff_limit_per_index ? std::numeric_limits<std::int32_t>::max() : 6);
  if (object.metadata.labels.empty()) object.metadata.labels = spec.template_.metadata.labels;
  set(spec.completion_mode, "NonIndexed");
  set(spec.suspend, false);
  set(spec.pod_replacement_policy, spec.pod_failure_policy ? "Failed" : "TerminatingOrFailed");
  set(spec.manual_selector, false);
}

void condition_pattern(PodFailurePolicyOnPodConditionsPattern& pattern) {
  set(pattern.status, "True");
}

void cron_job(CronJob& object) {
  auto& spec = object.spec;
  set(spec.concurrency_policy, "Allow");
  set(spec.suspend, false);
  set(spec.successful_jobs_history_limit, 3);
  set(spec.failed_jobs_history_limit, 1);
}

constexpr Rule kRules[] = {
    rule<Job, job>(),
    rule<PodFailurePolicyOnPodConditionsPattern, condition_pattern>(),
    rule<CronJob, cron_job>(),
};

}  // namespace

std::span<const Rule> batch_rules() { return kRules; }

}  // namespace kpp::api::defaults
