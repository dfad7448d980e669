// Jobs.
#include "validation/batch/jobs.h"

#include <algorithm>
#include <set>

#include "api/json_codec.h"
#include "validation/core/pods.h"
#include "validation/diff.h"
#include "validation/go_value.h"
#include "validation/rules.h"
#include "validation/workloads.h"

namespace kpp::validation {
namespace {

constexpr std::int32_t kMostIndexes = 100'000;

bool is_indexed(const batchv1::JobSpec& spec) { return spec.completion_mode == "Indexed"; }

void check_exit_codes(FieldErrors& errors, const FieldPath& at,
                      const batchv1::PodFailurePolicyOnExitCodesRequirement& codes,
                      const batchv1::JobSpec& spec) {
  if (codes.operator_ != "In" && codes.operator_ != "NotIn") {
    errors.not_supported(at.child("operator"), codes.operator_, {"In", "NotIn"});
  }
  if (codes.container_name) {
    const auto named = [&](const auto& container) {
      return container.name == *codes.container_name;
    };
    const corev1::PodSpec& pod = spec.template_.spec;
    if (std::none_of(pod.containers.begin(), pod.containers.end(), named) &&
        std::none_of(pod.init_containers.begin(), pod.init_containers.end(), named)) {
      errors.invalid(at.child("containerName"), *codes.container_name,
                     "must be one of the container or initContainer names in the pod template");
    }
  }
  const FieldPath values = at.child("values");
  if (codes.values.empty()) {
    errors.invalid(values, Value::raw("[]"), "at least one value is required");
  } else if (codes.values.size() > 255) {
    errors.too_many(values, codes.values.size(), 255);
  }
  std::set<std::int32_t> seen;
  for (std::size_t i = 0; i < codes.values.size(); ++i) {
    if (codes.operator_ == "In" && codes.values[i] == 0) {
      errors.invalid(values.index(i), 0, "must not be 0 for the In operator");
    }
    if (!seen.insert(codes.values[i]).second) errors.duplicate(values.index(i), codes.values[i]);
  }
  if (!std::is_sorted(codes.values.begin(), codes.values.end()))
    errors.invalid(values, codes.values, "must be ordered");
}

void check_failure_rule(FieldErrors& errors, const FieldPath& at,
                        const batchv1::PodFailurePolicyRule& rule, const batchv1::JobSpec& spec) {
  if (rule.action.empty()) {
    errors.required(at.child("action"),
                    "valid values: \"Count\", \"FailIndex\", \"FailJob\", \"Ignore\"");
  } else if (rule.action == "FailIndex") {
    if (!spec.backoff_limit_per_index) {
      errors.invalid(at.child("action"), rule.action,
                     "requires the backoffLimitPerIndex to be set");
    }
  } else if (rule.action != "Count" && rule.action != "FailJob" && rule.action != "Ignore") {
    errors.not_supported(at.child("action"), rule.action,
                         {"Count", "FailIndex", "FailJob", "Ignore"});
  }
  if (rule.on_exit_codes)
    check_exit_codes(errors, at.child("onExitCodes"), *rule.on_exit_codes, spec);
  for (std::size_t i = 0; i < rule.on_pod_conditions.size(); ++i) {
    const FieldPath here = at.child("onPodConditions").index(i);
    errors.invalid_each(here.child("type"), rule.on_pod_conditions[i].type,
                        qualified_name(rule.on_pod_conditions[i].type));
    const std::string& status = rule.on_pod_conditions[i].status;
    if (status.empty()) {
      errors.required(here.child("status"), "valid values: \"False\", \"True\", \"Unknown\"");
    } else if (status != "True" && status != "False" && status != "Unknown") {
      errors.not_supported(here.child("status"), status, {"False", "True", "Unknown"});
    }
  }
  if (rule.on_exit_codes && !rule.on_pod_conditions.empty()) {
    errors.invalid_without_value(
        at, "specifying both OnExitCodes and OnPodConditions is not supported");
  }
  if (!rule.on_exit_codes && rule.on_pod_conditions.empty()) {
    errors.invalid_without_value(at,
                                 "specifying one of OnExitCodes and OnPodConditions is required");
  }
}

void check_success_rule(FieldErrors& errors, const FieldPath& at,
                        const batchv1::SuccessPolicyRule& rule, std::int32_t completions) {
  std::int32_t indexes = 0;
  if (rule.succeeded_indexes) {
    std::string problem;
    indexes = count_indexes(*rule.succeeded_indexes, completions, problem);
    if (!problem.empty()) {
      errors.invalid(at.child("succeededIndexes"), *rule.succeeded_indexes,
                     cat("error parsing succeededIndexes: ", problem));
    }
    if (rule.succeeded_indexes->size() > 65536)
      errors.too_long(at.child("succeededIndexes"), 65536);
  }
  if (rule.succeeded_count) {
    const FieldPath here = at.child("succeededCount");
    check_not_negative(errors, here, *rule.succeeded_count);
    if (*rule.succeeded_count > completions) {
      errors.invalid(here, *rule.succeeded_count,
                     cat("must be less than or equal to ", completions,
                         " (the number of specified completions)"));
    }
    if (rule.succeeded_indexes && *rule.succeeded_count > indexes) {
      errors.invalid(here, *rule.succeeded_count,
                     cat("must be less than or equal to ", indexes,
                         " (the number of indexes in the specified succeededIndexes field)"));
    }
  }
  if (!rule.succeeded_count && !rule.succeeded_indexes) {
    errors.required(at, "at least one of succeededCount or succeededIndexes must be specified");
  }
}

void check_success_policy(FieldErrors& errors, const FieldPath& at, const batchv1::JobSpec& spec) {
  if (!spec.success_policy) return;
  const auto& rules = spec.success_policy->rules;
  if (!is_indexed(spec)) {
    errors.invalid(at,
                   rules.empty() ? Value::raw("{\"Rules\":[]}") : go_value(*spec.success_policy),
                   "requires indexed completion mode");
    return;
  }
  if (rules.empty())
    errors.required(at.child("rules"),
                    "at least one rules must be specified when the successPolicy is specified");
  if (rules.size() > 20) errors.too_many(at.child("rules"), rules.size(), 20);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    check_success_rule(errors, at.child("rules").index(i), rules[i], spec.completions.value_or(0));
  }
}

void check_numbers(FieldErrors& errors, const FieldPath& at, const batchv1::JobSpec& spec) {
  const auto count = [&](std::string_view field, const auto& value) {
    if (value) check_not_negative(errors, at.child(field), *value);
  };
  count("parallelism", spec.parallelism);
  count("completions", spec.completions);
  count("activeDeadlineSeconds", spec.active_deadline_seconds);
  count("backoffLimit", spec.backoff_limit);
  count("ttlSecondsAfterFinished", spec.ttl_seconds_after_finished);
  count("backoffLimitPerIndex", spec.backoff_limit_per_index);
  if (spec.backoff_limit_per_index && !is_indexed(spec)) {
    errors.invalid(at.child("backoffLimitPerIndex"), *spec.backoff_limit_per_index,
                   "requires indexed completion mode");
  }
  if (spec.managed_by) {
    const std::string& name = *spec.managed_by;
    if (name.find('/') == std::string::npos || !qualified_name(name).empty()) {
      errors.invalid(at.child("managedBy"), name,
                     "must be a domain-prefixed path (such as \"acme.io/foo\")");
    }
    if (name.size() > 63) errors.too_long(at.child("managedBy"), 63);
  }
}

void check_completion_mode(FieldErrors& errors, const FieldPath& at, const batchv1::JobSpec& spec) {
  if (spec.completion_mode) {
    const std::string& mode = *spec.completion_mode;
    if (mode != "NonIndexed" && mode != "Indexed") {
      errors.not_supported(at.child("completionMode"), mode, {"NonIndexed", "Indexed"});
    }
    if (mode == "Indexed") {
      if (!spec.completions) {
        errors.required(at.child("completions"), cat("when completion mode is ", mode));
      }
      if (spec.parallelism && *spec.parallelism > kMostIndexes) {
        errors.invalid(
            at.child("parallelism"), *spec.parallelism,
            cat("must be less than or equal to ", kMostIndexes, " when completion mode is ", mode));
      }
    }
  }
  if (spec.max_failed_indexes) {
    check_not_negative(errors, at.child("maxFailedIndexes"), *spec.max_failed_indexes);
    if (!spec.backoff_limit_per_index)
      errors.required(at.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    if (spec.completions && *spec.max_failed_indexes > *spec.completions) {
      errors.invalid(at.child("maxFailedIndexes"), *spec.max_failed_indexes,
                     "must be less than or equal to completions");
    }
  }
}

void check_restart_policy(FieldErrors& errors, const FieldPath& at, const batchv1::JobSpec& spec) {
  const std::string& policy = spec.template_.spec.restart_policy;
  const FieldPath here = at.child("template", "spec").child("restartPolicy");
  // "Always" is what an unset policy has become.
  if (policy.empty() || policy == "Always") {
    errors.required(here, "valid values: \"OnFailure\", \"Never\"");
  } else if (policy != "OnFailure" && policy != "Never") {
    errors.not_supported(here, policy, {"OnFailure", "Never"});
  } else if (spec.pod_failure_policy && policy != "Never") {
    errors.invalid(here, policy, "only \"Never\" is supported when podFailurePolicy is specified");
  }
}

// The number that an update may give parallelism and completions of an elastic indexed job.
bool may_resize(const batchv1::JobSpec& now, const batchv1::JobSpec& old) {
  return is_indexed(now) && old.completions && now.completions && now.parallelism &&
         *now.completions == *now.parallelism;
}

}  // namespace

void check_job_spec(FieldErrors& errors, const FieldPath& at, const batchv1::JobSpec& spec) {
  check_numbers(errors, at, spec);
  if (spec.pod_replacement_policy) {
    const std::string& policy = *spec.pod_replacement_policy;
    if (spec.pod_failure_policy) {
      if (policy != "Failed")
        errors.not_supported(at.child("podReplacementPolicy"), policy, {"Failed"});
    } else if (policy != "Failed" && policy != "TerminatingOrFailed") {
      errors.not_supported(at.child("podReplacementPolicy"), policy,
                           {"Failed", "TerminatingOrFailed"});
    }
  }
  check_completion_mode(errors, at, spec);
  check_pod_template(errors, at.child("template"), spec.template_);
  check_restart_policy(errors, at, spec);
  if (spec.pod_failure_policy) {
    const FieldPath rules = at.child("podFailurePolicy", "rules");
    if (spec.pod_failure_policy->rules.size() > 20)
      errors.too_many(rules, spec.pod_failure_policy->rules.size(), 20);
    for (std::size_t i = 0; i < spec.pod_failure_policy->rules.size(); ++i) {
      check_failure_rule(errors, rules.index(i), spec.pod_failure_policy->rules[i], spec);
    }
  }
  check_success_policy(errors, at.child("successPolicy"), spec);
}

namespace {

void check_generated_selector(FieldErrors& errors, const batchv1::Job& job) {
  if (job.spec.manual_selector.value_or(false)) return;
  const FieldPath at("spec");
  metav1::LabelSelector wanted;
  wanted.match_labels["batch.kubernetes.io/controller-uid"] = job.metadata.uid;
  // Jobs of old carry the label without a domain.
  metav1::LabelSelector legacy;
  legacy.match_labels["controller-uid"] = job.metadata.uid;
  if (job.spec.selector && !api::equal(*job.spec.selector, wanted) &&
      !api::equal(*job.spec.selector, legacy)) {
    errors.invalid(at.child("selector"), selector_value(job.spec.selector),
                   "`selector` not auto-generated");
  }
}

void check_spec(FieldErrors& errors, const batchv1::Job& job) {
  const FieldPath at("spec");
  check_job_spec(errors, at, job.spec);
  if (!job.spec.selector) {
    errors.required(at.child("selector"));
  } else {
    check_selector(errors, at.child("selector"), *job.spec.selector);
  }
  if (!job.spec.selector || !matches(*job.spec.selector, job.spec.template_.metadata.labels)) {
    errors.invalid(at.child("template", "metadata").child("labels"),
                   job.spec.template_.metadata.labels,
                   "`selector` does not match template `labels`");
  }
}

// What the template may have become while the job is suspended and has no pods: where they will run
// and what their containers will get. Of the affinity, that is the affinity to nodes alone.
void take_what_may_change(corev1::PodTemplateSpec& was, const corev1::PodTemplateSpec& now) {
  if (was.spec.affinity && !now.spec.affinity) {
    was.spec.affinity->node_affinity.reset();
    if (api::equal(*was.spec.affinity, corev1::Affinity())) was.spec.affinity.reset();
  } else if (now.spec.affinity) {
    was.spec.affinity.ensure().node_affinity = now.spec.affinity->node_affinity;
  }
  was.spec.node_selector = now.spec.node_selector;
  was.spec.tolerations = now.spec.tolerations;
  was.spec.scheduling_gates = now.spec.scheduling_gates;
  was.metadata.annotations = now.metadata.annotations;
  was.metadata.labels = now.metadata.labels;
  const auto take_resources = [](auto& before, const auto& after) {
    if (before.size() != after.size()) return;
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (before[i].name == after[i].name) before[i].resources = after[i].resources;
    }
  };
  take_resources(was.spec.containers, now.spec.containers);
  take_resources(was.spec.init_containers, now.spec.init_containers);
}

void check_template_change(FieldErrors& errors, const FieldPath& at,
                           const corev1::PodTemplateSpec& now, const batchv1::Job& old) {
  const bool may_change = old.spec.suspend.value_or(false) && old.status.active == 0;
  if (!may_change) {
    if (!api::equal(now, old.spec.template_)) errors.invalid(at, go_value(now), kImmutable);
    return;
  }
  corev1::PodTemplateSpec was = old.spec.template_;
  take_what_may_change(was, now);
  if (!api::equal(now.spec, was.spec))
    errors.invalid(at.child("spec"), go_value(now.spec), kImmutable);
  was.spec = now.spec;
  if (!api::equal(now, was)) errors.invalid(at, go_value(now), kImmutable);
}

}  // namespace

void validate(FieldErrors& errors, const batchv1::Job& job, const Context&) {
  check_metadata(errors, job.metadata, true, subdomain_name);
  check_generated_selector(errors, job);
  check_spec(errors, job);
}

void validate_change(FieldErrors& errors, const batchv1::Job& job, const batchv1::Job& old,
                     const Context& context) {
  check_metadata_update(errors, job.metadata, old.metadata);
  if (context.is_status) return check_job_status(errors, job, old);
  check_spec(errors, job);
  const FieldPath at("spec");
  const batchv1::JobSpec& spec = job.spec;
  if (spec.completions != old.spec.completions && !may_resize(spec, old.spec)) {
    errors.invalid(at.child("completions"), spec.completions, kImmutable);
  }
  check_selector_unchanged(errors, spec.selector, old.spec.selector);
  check_template_change(errors, at.child("template"), spec.template_, old);
  check_immutable(errors, at.child("completionMode"), spec.completion_mode,
                  old.spec.completion_mode);
  check_immutable(errors, at.child("backoffLimitPerIndex"), spec.backoff_limit_per_index,
                  old.spec.backoff_limit_per_index);
  check_immutable(errors, at.child("managedBy"), spec.managed_by, old.spec.managed_by);
}

}  // namespace kpp::validation
