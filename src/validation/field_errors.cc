#include "validation/field_errors.h"

#include <algorithm>

namespace kpp::validation {
namespace {

template <class Range, class Print>
std::string json_array(const Range& range, Print print) {
  if (range.empty()) return "null";
  std::string out = "[";
  for (const auto& item : range) {
    if (out.size() > 1) out += ',';
    out += print(item);
  }
  return out + "]";
}

template <class Map, class Print>
std::string json_object(const Map& map, Print print) {
  if (map.empty()) return "null";
  std::string out = "{";
  for (const auto& [key, value] : map) {
    if (out.size() > 1) out += ',';
    out += cat(quoted(key), ":", print(value));
  }
  return out + "}";
}

std::string text_of(std::string_view s) { return quoted(s); }

std::string with_detail(std::string_view head, std::string_view detail) {
  return detail.empty() ? std::string(head) : cat(head, ": ", detail);
}

}  // namespace

Value::Value(const std::vector<std::string>& v) : text_(json_array(v, text_of)) {}
Value::Value(const std::vector<std::int32_t>& v)
    : text_(json_array(v, [](std::int32_t i) { return std::to_string(i); })) {}
Value::Value(const std::map<std::string, std::string>& v) : text_(json_object(v, text_of)) {}
Value::Value(const std::map<std::string, api::Quantity>& v)
    : text_(json_object(v, [](const api::Quantity& q) { return quoted(q.text); })) {}

std::string_view cause_reason(ErrorType type) {
  switch (type) {
    case ErrorType::kRequired:
      return "FieldValueRequired";
    case ErrorType::kInvalid:
      return "FieldValueInvalid";
    case ErrorType::kDuplicate:
      return "FieldValueDuplicate";
    case ErrorType::kNotSupported:
      return "FieldValueNotSupported";
    case ErrorType::kForbidden:
      return "FieldValueForbidden";
    case ErrorType::kTooLong:
      return "FieldValueTooLong";
    case ErrorType::kTooMany:
      return "FieldValueTooMany";
    case ErrorType::kNotFound:
      return "FieldValueNotFound";
    case ErrorType::kTypeInvalid:
      return "FieldValueTypeInvalid";
    case ErrorType::kInternal:
      return "InternalError";
  }
  return "";
}

void FieldErrors::required(const FieldPath& at, std::string_view detail) {
  add({ErrorType::kRequired, at.to_string(), with_detail("Required value", detail)});
}

void FieldErrors::invalid(const FieldPath& at, const Value& value, std::string_view detail) {
  add({ErrorType::kInvalid, at.to_string(),
       with_detail(cat("Invalid value: ", value.text()), detail)});
}

void FieldErrors::invalid_without_value(const FieldPath& at, std::string_view detail) {
  add({ErrorType::kInvalid, at.to_string(), cat("Invalid value: ", detail)});
}

void FieldErrors::invalid_each(const FieldPath& at, const Value& value,
                               const std::vector<std::string>& details) {
  for (const std::string& detail : details) invalid(at, value, detail);
}

void FieldErrors::duplicate(const FieldPath& at, const Value& value) {
  add({ErrorType::kDuplicate, at.to_string(), cat("Duplicate value: ", value.text())});
}

void FieldErrors::not_supported(const FieldPath& at, const Value& value,
                                std::span<const std::string_view> supported) {
  std::string message = cat("Unsupported value: ", value.text(), ": supported values: ");
  for (std::size_t i = 0; i < supported.size(); ++i) {
    if (i > 0) message += ", ";
    message += quoted(supported[i]);
  }
  add({ErrorType::kNotSupported, at.to_string(), std::move(message)});
}

void FieldErrors::forbidden(const FieldPath& at, std::string_view detail) {
  add({ErrorType::kForbidden, at.to_string(), with_detail("Forbidden", detail)});
}

void FieldErrors::too_long(const FieldPath& at, std::size_t max_bytes) {
  add({ErrorType::kTooLong, at.to_string(),
       cat("Too long: may not be more than ", max_bytes, " bytes")});
}

void FieldErrors::too_many(const FieldPath& at, std::size_t actual, std::size_t max) {
  add({ErrorType::kTooMany, at.to_string(),
       cat("Too many: ", actual, ": must have at most ", max, max == 1 ? " item" : " items")});
}

void FieldErrors::not_found(const FieldPath& at, const Value& value) {
  add({ErrorType::kNotFound, at.to_string(), cat("Not found: ", value.text())});
}

void FieldErrors::type_invalid(const FieldPath& at, const Value& value, std::string_view detail) {
  add({ErrorType::kTypeInvalid, at.to_string(),
       with_detail(cat("Invalid value: ", value.text()), detail)});
}

void FieldErrors::internal(const FieldPath& at, std::string_view detail) {
  add({ErrorType::kInternal, at.to_string(), with_detail("Internal error", detail)});
}

void FieldErrors::append(FieldErrors other) {
  errors_.insert(errors_.end(), std::make_move_iterator(other.errors_.begin()),
                 std::make_move_iterator(other.errors_.end()));
}

Status to_status(std::string_view kind, std::string_view group, std::string_view name,
                 const FieldErrors& errors) {
  StatusDetails details;
  details.name = name;
  details.group = group;
  details.kind = kind;
  std::vector<std::string> texts;  // the message names each error once, the causes hold them all
  for (const FieldError& error : errors.all()) {
    details.causes.push_back({std::string(cause_reason(error.type)), error.message, error.field});
    std::string text = error.to_string();
    if (std::find(texts.begin(), texts.end(), text) == texts.end())
      texts.push_back(std::move(text));
  }
  std::string message =
      cat(kind, group.empty() ? "" : ".", group, " ", quoted(name), " is invalid");
  if (texts.size() == 1) {
    message += cat(": ", texts.front());
  } else if (!texts.empty()) {
    message += cat(": [", join(texts, ", "), "]");
  }
  return Status(Reason::kInvalid, std::move(message), std::move(details));
}

}  // namespace kpp::validation
