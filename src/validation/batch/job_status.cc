// Status of jobs.
#include <charconv>

#include "validation/batch/jobs.h"
#include "validation/metadata.h"

namespace kpp::validation {
namespace {

bool holds(const batchv1::Job& job, std::string_view type) {
  for (const batchv1::JobCondition& condition : job.status.conditions) {
    if (condition.type == type && condition.status == "True") return true;
  }
  return false;
}

bool parse_index(std::string_view text, std::int32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::int32_t count_indexes(std::string_view text, std::int32_t completions, std::string& problem) {
  std::int32_t total = 0;
  std::int32_t last = -1;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    std::int32_t first = 0;
    if (!parse_index(part.substr(0, dash), first)) {
      problem = cat("cannot convert string to integer for index: ", quoted(part.substr(0, dash)));
      return 0;
    }
    if (first >= completions) {
      problem = cat("too large index: ", quoted(part.substr(0, dash)));
      return 0;
    }
    if (last >= first) {
      problem = cat("non-increasing order, previous: ", last, ", current: ", first);
      return 0;
    }
    std::int32_t end = first;
    if (dash != std::string_view::npos) {
      const std::string_view to = part.substr(dash + 1);
      if (!parse_index(to, end)) {
        problem = cat("cannot convert string to integer for index: ", quoted(to));
        return 0;
      }
      if (end >= completions) {
        problem = cat("too large index: ", quoted(to));
        return 0;
      }
      if (end < first) {
        problem = cat("non-increasing order, previous: ", first, ", current: ", end);
        return 0;
      }
    }
    total += end - first + 1;
    last = end;
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return total;
}

void check_job_status(FieldErrors& errors, const batchv1::Job& job, const batchv1::Job& old) {
  const FieldPath at("status");
  const batchv1::JobStatus& status = job.status;
  check_not_negative(errors, at.child("active"), status.active);
  check_not_negative(errors, at.child("succeeded"), status.succeeded);
  check_not_negative(errors, at.child("failed"), status.failed);
  if (status.ready) check_not_negative(errors, at.child("ready"), *status.ready);
  if (status.terminating) check_not_negative(errors, at.child("terminating"), *status.terminating);
  const bool complete = holds(job, "Complete");
  const bool failed = holds(job, "Failed");
  const FieldPath conditions = at.child("conditions");
  if (complete && failed) {
    errors.invalid_without_value(conditions, "cannot set Complete=True and Failed=true conditions");
  }
  if (complete && !status.completion_time) {
    errors.required(at.child("completionTime"), "completionTime is required for Complete jobs");
  }
  if (!complete && status.completion_time) {
    errors.invalid_without_value(
        at.child("completionTime"),
        "cannot set completionTime when there is no Complete=True condition");
  }
  if (failed && !holds(job, "FailureTarget") && !holds(old, "Failed")) {
    errors.invalid_without_value(
        conditions, "cannot set Failed=True condition without the FailureTarget=true condition");
  }
  if (complete && !holds(job, "SuccessCriteriaMet") && !holds(old, "Complete")) {
    errors.invalid_without_value(
        conditions,
        "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
  }
  if ((complete || failed) && !status.start_time) {
    errors.required(at.child("startTime"), "startTime is required for finished job");
  }
  if ((complete || failed) && status.active > 0) {
    errors.invalid_without_value(at.child("active"), "active>0 is invalid for finished job");
  }
  if (holds(old, "Complete") && !complete)
    errors.invalid_without_value(conditions, "cannot disable the terminal Complete=True condition");
  if (holds(old, "Failed") && !failed)
    errors.invalid_without_value(conditions, "cannot disable the terminal Failed=True condition");
}

}  // namespace kpp::validation
