// What is wrong with an object, field by field, in the words of the original.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/types.h"
#include "base/status.h"

namespace kpp::validation {

// Where a value stands in an object: spec.containers[0].name, spec.template.labels[key].
class FieldPath {
 public:
  FieldPath() = default;  // the object itself; printed as "<nil>"
  explicit FieldPath(std::string_view name) : text_(name.empty() ? "[]" : name) {}

  FieldPath child(std::string_view name) const {
    return FieldPath(text_.empty() ? std::string(name) : cat(text_, ".", name), Exact{});
  }
  FieldPath child(std::string_view name, std::string_view next) const {
    return child(name).child(next);
  }
  FieldPath index(std::size_t i) const { return FieldPath(cat(text_, "[", i, "]"), Exact{}); }
  FieldPath key(std::string_view k) const { return FieldPath(cat(text_, "[", k, "]"), Exact{}); }
  std::string to_string() const { return text_.empty() ? "<nil>" : text_; }

 private:
  struct Exact {};
  FieldPath(std::string text, Exact) : text_(std::move(text)) {}
  std::string text_;
};

// A value as messages print it: strings quoted, numbers and booleans plain, everything else as
// JSON.
class Value {
 public:
  Value(std::nullptr_t) : text_("null") {}                // NOLINT(google-explicit-constructor)
  Value(bool v) : text_(v ? "true" : "false") {}          // NOLINT(google-explicit-constructor)
  Value(std::int32_t v) : text_(std::to_string(v)) {}     // NOLINT(google-explicit-constructor)
  Value(std::int64_t v) : text_(std::to_string(v)) {}     // NOLINT(google-explicit-constructor)
  Value(std::size_t v) : text_(std::to_string(v)) {}      // NOLINT(google-explicit-constructor)
  Value(std::string_view v) : text_(kpp::quoted(v)) {}    // NOLINT(google-explicit-constructor)
  Value(const std::string& v) : text_(kpp::quoted(v)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* v) : text_(kpp::quoted(v)) {}         // NOLINT(google-explicit-constructor)
  Value(const api::Quantity& v)
      : text_(kpp::quoted(v.text)) {}  // NOLINT(google-explicit-constructor)
  Value(const api::IntOrString& v)     // NOLINT(google-explicit-constructor)
      : text_(v.is_string ? kpp::quoted(v.string_value) : std::to_string(v.int_value)) {}
  Value(const std::vector<std::string>& v);              // NOLINT(google-explicit-constructor)
  Value(const std::vector<std::int32_t>& v);             // NOLINT(google-explicit-constructor)
  Value(const std::map<std::string, std::string>& v);    // NOLINT(google-explicit-constructor)
  Value(const std::map<std::string, api::Quantity>& v);  // NOLINT(google-explicit-constructor)
  template <class T>
  Value(const std::optional<T>& v)
      : Value(v ? Value(*v) : Value(nullptr)) {}  // NOLINT(google-explicit-constructor)
  // Text that is already as it shall be printed.
  static Value raw(std::string text) {
    Value out(nullptr);
    out.text_ = std::move(text);
    return out;
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The texts of metav1.CauseType that validation uses.
enum class ErrorType : std::uint8_t {
  kRequired,
  kInvalid,
  kDuplicate,
  kNotSupported,
  kForbidden,
  kTooLong,
  kTooMany,
  kNotFound,
  kTypeInvalid,
  kInternal,
};
std::string_view cause_reason(ErrorType type);  // FieldValueRequired, ...

struct FieldError {
  ErrorType type;
  std::string field;
  std::string message;  // "Invalid value: 0: must be ..."

  std::string to_string() const { return cat(field, ": ", message); }
};

// Collects the errors of one object in the order in which they are found.
class FieldErrors {
 public:
  void required(const FieldPath& at, std::string_view detail = {});
  void invalid(const FieldPath& at, const Value& value, std::string_view detail);
  // Invalid, without the value: "Invalid value: <detail>".
  void invalid_without_value(const FieldPath& at, std::string_view detail);
  void invalid_each(const FieldPath& at, const Value& value,
                    const std::vector<std::string>& details);
  void duplicate(const FieldPath& at, const Value& value);
  // `supported` is printed in the order given.
  void not_supported(const FieldPath& at, const Value& value,
                     std::span<const std::string_view> supported);
  void not_supported(const FieldPath& at, const Value& value,
                     std::initializer_list<std::string_view> supported) {
    not_supported(at, value, std::span(supported.begin(), supported.size()));
  }
  void forbidden(const FieldPath& at, std::string_view detail);
  void too_long(const FieldPath& at, std::size_t max_bytes);
  void too_many(const FieldPath& at, std::size_t actual, std::size_t max);
  void not_found(const FieldPath& at, const Value& value);
  void type_invalid(const FieldPath& at, const Value& value, std::string_view detail);
  void internal(const FieldPath& at, std::string_view detail);

  void add(FieldError error) { errors_.push_back(std::move(error)); }
  void append(FieldErrors other);

  bool empty() const { return errors_.empty(); }
  std::size_t size() const { return errors_.size(); }
  std::span<const FieldError> all() const { return errors_; }

 private:
  std::vector<FieldError> errors_;
};

// The answer to a request whose object has these errors: 422 Invalid with a cause for each error.
// `group` may be empty.
Status to_status(std::string_view kind, std::string_view group, std::string_view name,
                 const FieldErrors& errors);

}  // namespace kpp::validation
