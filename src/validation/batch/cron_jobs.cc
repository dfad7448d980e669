// CronJobs.
#include <filesystem>

#include "validation/batch/jobs.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

constexpr std::size_t kLongestName = 52;  // jobs add 11 characters to it

bool knows_time_zone(const std::string& name) {
  if (name == "UTC") return true;
  if (name.starts_with('/') || name.find("..") != std::string::npos ||
      name.find('\\') != std::string::npos)
    return false;
  std::error_code error;
  return std::filesystem::is_regular_file("/usr/share/zoneinfo/" + name, error);
}

void check_time_zone(FieldErrors& errors, const FieldPath& at,
                     const std::optional<std::string>& zone) {
  if (!zone) return;
  if (zone->empty()) {
    errors.invalid(at, *zone, "timeZone must be nil or non-empty string");
  } else if (lower(*zone) == "local") {
    errors.invalid(
        at, *zone,
        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  } else if (!knows_time_zone(*zone)) {
    errors.invalid(at, *zone, cat("unknown time zone ", *zone));
  }
}

void check_spec(FieldErrors& errors, const batchv1::CronJobSpec& spec) {
  const FieldPath at("spec");
  if (spec.schedule.empty()) {
    errors.required(at.child("schedule"));
  } else if (spec.schedule.find("TZ") != std::string::npos) {
    errors.invalid(at.child("schedule"), spec.schedule,
                   "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  } else if (const std::string problem = schedule_problem(spec.schedule); !problem.empty()) {
    errors.invalid(at.child("schedule"), spec.schedule, problem);
  }
  if (spec.starting_deadline_seconds)
    check_not_negative(errors, at.child("startingDeadlineSeconds"),
                       *spec.starting_deadline_seconds);
  check_time_zone(errors, at.child("timeZone"), spec.time_zone);
  if (spec.concurrency_policy.empty()) {
    errors.required(at.child("concurrencyPolicy"));
  } else if (spec.concurrency_policy != "Allow" && spec.concurrency_policy != "Forbid" &&
             spec.concurrency_policy != "Replace") {
    errors.not_supported(at.child("concurrencyPolicy"), spec.concurrency_policy,
                         {"Allow", "Forbid", "Replace"});
  }
  const FieldPath job = at.child("jobTemplate", "spec");
  check_job_spec(errors, job, spec.job_template.spec);
  if (spec.job_template.spec.manual_selector.value_or(false)) {
    errors.not_supported(job.child("manualSelector"), true, {"nil", "false"});
  }
  if (spec.successful_jobs_history_limit) {
    check_not_negative(errors, at.child("successfulJobsHistoryLimit"),
                       *spec.successful_jobs_history_limit);
  }
  if (spec.failed_jobs_history_limit)
    check_not_negative(errors, at.child("failedJobsHistoryLimit"), *spec.failed_jobs_history_limit);
}

}  // namespace

void validate(FieldErrors& errors, const batchv1::CronJob& job, const Context&) {
  check_metadata(errors, job.metadata, true, subdomain_name);
  check_spec(errors, job.spec);
  if (job.metadata.name.size() > kLongestName) {
    errors.invalid(FieldPath("metadata").child("name"), job.metadata.name,
                   max_length_message(kLongestName));
  }
}

void validate_change(FieldErrors& errors, const batchv1::CronJob& job, const batchv1::CronJob& old,
                     const Context& context) {
  check_metadata_update(errors, job.metadata, old.metadata);
  if (!context.is_status) check_spec(errors, job.spec);
}

}  // namespace kpp::validation
