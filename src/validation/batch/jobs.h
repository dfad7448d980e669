// Jobs, and the templates of CronJobs.
#pragma once

#include <string>
#include <string_view>

#include "api/batchv1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

// The rules of a job's spec but those of its selector.
void check_job_spec(FieldErrors& errors, const FieldPath& at, const batchv1::JobSpec& spec);
void check_job_status(FieldErrors& errors, const batchv1::Job& job, const batchv1::Job& old);

// How many indexes "1,3-5" names; `problem` says what is wrong with it, if anything.
std::int32_t count_indexes(std::string_view text, std::int32_t completions, std::string& problem);

// What is wrong with a schedule of five fields or a descriptor (@daily, @every 1h); empty: nothing.
std::string schedule_problem(std::string_view schedule);

}  // namespace kpp::validation
