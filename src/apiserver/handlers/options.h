// Options of requests: dryRun, fieldManager, fieldValidation, numbers and versions in the query.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "apiserver/call.h"
#include "base/status.h"
#include "store/types.h"
#include "validation/field_errors.h"

namespace kpp::apiserver {

enum class FieldValidation { kIgnore, kWarn, kStrict };
FieldValidation field_validation(const Call& call);

// The answer to options with these errors: kInvalid, about `kind` ("CreateOptions") of meta.k8s.io.
Status invalid_options(std::string_view kind, const validation::FieldErrors& errors);

// dryRun of any kind of options: "All" is the only value there is.
void check_dry_run(validation::FieldErrors& errors, std::span<const std::string> values);
// dryRun, fieldManager, fieldValidation of writes.
Status check_write_options(const Call& call, std::string_view options_kind);

// An integer of the query; nullopt if it is absent or empty. kBadRequest.
Result<std::optional<std::int64_t>> parse_int(const Call& call, std::string_view name);
// kBadRequest whose message is that of the original's versioner.
Result<store::Revision> parse_resource_version(std::string_view text);

}  // namespace kpp::apiserver
