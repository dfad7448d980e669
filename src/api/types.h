// The building blocks of the generated API types: values whose JSON form is their own, and optional
// messages.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace kpp::api {

// A message that may be absent (a pointer in the original's types). Owns it; copies deeply; 8 bytes
// when absent.
template <class T>
class Opt {
 public:
  Opt() = default;
  Opt(const Opt& o) : value_(o.value_ ? std::make_unique<T>(*o.value_) : nullptr) {}
  Opt(Opt&&) noexcept = default;
  Opt& operator=(const Opt& o) {
    if (this != &o) value_ = o.value_ ? std::make_unique<T>(*o.value_) : nullptr;
    return *this;
  }
  Opt& operator=(Opt&&) noexcept = default;
  Opt& operator=(T value) {
    value_ = std::make_unique<T>(std::move(value));
    return *this;
  }
  ~Opt() = default;
  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T* get() { return value_.get(); }
  const T* get() const { return value_.get(); }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  // The message, made if it is absent.
  T& ensure() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

// metav1.Time: seconds precision in JSON. The zero value is the original's zero time and is written
// as null.
struct Time {
  static constexpr std::int64_t kZeroSeconds = -62135596800;  // year 1
  std::int64_t seconds = kZeroSeconds;                        // since 1970, UTC
  std::int32_t nanos = 0;

  Time() = default;
  Time(std::int64_t s, std::int32_t n) : seconds(s), nanos(n) {}
  // Truncated to seconds, as the API keeps it.
  static Time from(WallTime t);
  WallTime wall() const;
  bool is_zero() const { return seconds == kZeroSeconds && nanos == 0; }
  std::string to_string() const;  // RFC 3339
  friend bool operator==(const Time&, const Time&) = default;
  friend auto operator<=>(const Time&, const Time&) = default;
};

// metav1.MicroTime: microseconds precision in JSON.
struct MicroTime {
  std::int64_t seconds = Time::kZeroSeconds;
  std::int32_t nanos = 0;

  static MicroTime from(WallTime t);
  WallTime wall() const;
  bool is_zero() const { return seconds == Time::kZeroSeconds && nanos == 0; }
  std::string to_string() const;
  friend bool operator==(const MicroTime&, const MicroTime&) = default;
};

// resource.Quantity: kept in its canonical text form ("100m", "1Gi"); api/quantity.h computes with
// it.
struct Quantity {
  std::string text;

  Quantity() = default;
  explicit Quantity(std::string_view t) : text(t) {}
  std::string to_string() const { return text; }
  friend bool operator==(const Quantity&, const Quantity&) = default;
};

// intstr.IntOrString.
struct IntOrString {
  bool is_string = false;
  std::int32_t int_value = 0;
  std::string string_value;

  IntOrString() = default;
  IntOrString(std::int32_t v) : int_value(v) {}                          // NOLINT
  IntOrString(std::string_view v) : is_string(true), string_value(v) {}  // NOLINT
  IntOrString(const char* v) : is_string(true), string_value(v) {}       // NOLINT
  std::string to_string() const { return is_string ? string_value : std::to_string(int_value); }
  friend bool operator==(const IntOrString&, const IntOrString&) = default;
};

// A JSON value kept as its text, in one line: runtime.RawExtension, metav1.FieldsV1, apiextensions
// JSON. Empty: absent.
struct RawJson {
  std::string json;

  bool empty() const { return json.empty(); }
  friend bool operator==(const RawJson&, const RawJson&) = default;
};

// A named list of strings (authentication ExtraValue and its kin).
struct StringList {
  std::vector<std::string> items;
  friend bool operator==(const StringList&, const StringList&) = default;
};

}  // namespace kpp::api
