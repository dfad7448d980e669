#include "apiserver/handlers/options.h"

#include <charconv>
#include <vector>

#include "apiserver/errors.h"

namespace kpp::apiserver {
namespace {

using validation::FieldPath;

constexpr std::size_t kMaxManager = 128;

void check_manager(validation::FieldErrors& errors, const std::string& manager) {
  const FieldPath at("fieldManager");
  if (manager.size() > kMaxManager) errors.too_long(at, kMaxManager);
  for (std::size_t i = 0; i < manager.size(); ++i) {
    const auto c = static_cast<unsigned char>(manager[i]);
    if (c >= 0x20 && c != 0x7f) continue;
    static constexpr char kHex[] = "0123456789ABCDEF";
    errors.invalid(
        at, manager,
        cat("invalid character U+00", kHex[c >> 4], kHex[c & 15], " (at position ", i, ")"));
    return;
  }
}

}  // namespace

FieldValidation field_validation(const Call& call) {
  const std::string_view text = call.query.get("fieldValidation");
  if (text == "Ignore") return FieldValidation::kIgnore;
  if (text == "Strict") return FieldValidation::kStrict;
  return FieldValidation::kWarn;
}

Status invalid_options(std::string_view kind, const validation::FieldErrors& errors) {
  return validation::to_status(kind, "meta.k8s.io", "", errors);
}

void check_dry_run(validation::FieldErrors& errors, std::span<const std::string> values) {
  const bool all_known =
      std::all_of(values.begin(), values.end(), [](const auto& v) { return v == "All"; });
  if (all_known) return;
  errors.not_supported(FieldPath("dryRun"), std::vector<std::string>(values.begin(), values.end()),
                       {"All"});
}

Status check_write_options(const Call& call, std::string_view options_kind) {
  validation::FieldErrors errors;
  if (options_kind == "PatchOptions") {
    if (!call.request.headers.get("Content-Type").starts_with("application/apply-patch+")) {
      if (call.query.has("force"))
        errors.forbidden(FieldPath("force"), "may not be specified for non-apply patch");
    } else if (call.query.get("fieldManager").empty()) {
      errors.required(FieldPath("fieldManager"), "is required for apply patch");
    }
  }
  if (const auto* manager = call.query.find("fieldManager"); manager != nullptr)
    check_manager(errors, *manager);
  std::vector<std::string> dry_run;
  for (const auto value : call.query.all("dryRun")) dry_run.emplace_back(value);
  check_dry_run(errors, dry_run);
  if (const auto* text = call.query.find("fieldValidation"); text != nullptr && !text->empty() &&
                                                             *text != "Ignore" && *text != "Warn" &&
                                                             *text != "Strict") {
    errors.not_supported(FieldPath("fieldValidation"), *text, {"Ignore", "Strict", "Warn"});
  }
  return errors.empty() ? Status() : invalid_options(options_kind, errors);
}

Result<std::optional<std::int64_t>> parse_int(const Call& call, std::string_view name) {
  const auto* text = call.query.find(name);
  if (text == nullptr || text->empty()) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  std::string_view digits = *text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) {
    return fail(
        bad_request(cat("strconv.ParseInt: parsing ", quoted(*text), ": value out of range")));
  }
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return fail(bad_request(cat("strconv.ParseInt: parsing ", quoted(*text), ": invalid syntax")));
  }
  return std::optional(value);
}

Result<store::Revision> parse_resource_version(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size())
    return static_cast<store::Revision>(value);
  return fail(bad_request(
      cat("resourceVersion: Invalid value: ", quoted(text), ": strconv.ParseUint: parsing ",
          quoted(text),
          error == std::errc::result_out_of_range ? ": value out of range" : ": invalid syntax")));
}

}  // namespace kpp::apiserver
