// JSON text read value by value, without a tree: what decoders into typed objects walk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "codec/json_scanner.h"

namespace kpp::json {

// Stands at one value of the text. Scalars are read when the reader comes to them; of an array or
// object members() and items() visit the elements. A container that is not visited is skipped.
//
// Guarantees: reads the whole of what it skips, so that text which parse() refuses is refused here
// too, in its words.
//   Members that stand twice are visited twice.
// Ownership: the text must outlive it; text() and the names of members stay until the next value.
// Errors: after one, visits end and status() says what was wrong.
class Reader : Scanner {
 public:
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  // Stands at the first value of the text.
  explicit Reader(std::string_view text);

  Kind kind() const { return kind_; }
  bool boolean() const { return bool_; }
  std::string_view text() const { return string_; }
  const std::int64_t* if_int64() const { return is_number(Number::kInt64) ? &int_ : nullptr; }
  const std::uint64_t* if_uint64() const { return is_number(Number::kUint64) ? &uint_ : nullptr; }
  const double* if_double() const { return is_number(Number::kDouble) ? &double_ : nullptr; }

  // Calls `visit(name)` at each member of the object that the reader stands at.
  template <class F>
  void members(F visit) {
    if (kind_ != Kind::kObject || !enter()) return;
    while (!failed_ && next('}')) {
      if (!name()) break;
      std::string kept;
      std::string_view at_name = string_;
      if (!plain_) {
        kept = string_;
        at_name = kept;
      }
      if (!value()) break;
      visit(at_name);
      leave_value();
    }
    --depth_;
  }
  // Calls `visit()` at each item of the array that the reader stands at.
  template <class F>
  void items(F visit) {
    if (kind_ != Kind::kArray || !enter()) return;
    while (!failed_ && next(']')) {
      if (!value()) break;
      visit();
      leave_value();
    }
    --depth_;
  }

  // The value that the reader stands at as write() writes it.
  std::string compact();
  // The value that the reader stands at, as it is written there but in one line: tabs and ends of
  // lines between its tokens become spaces.
  std::string raw();

  // Skips what is left; the first error, or that something follows the value.
  Status finish();

 private:
  static constexpr int kMaxDepth = 1000;

  bool is_number(Number n) const { return kind_ == Kind::kNumber && number_ == n; }
  bool failed(bool ok) {
    if (!ok) failed_ = true;
    return ok;
  }
  bool enter();
  // Goes to the next element of the container at hand; false behind the last.
  bool next(char closing);
  bool name();
  bool value();
  bool scan_value();
  void leave_value() {
    if (!failed_ && unvisited_) skip_container();
  }
  void skip_container();
  bool is_written_so(std::string_view text) const;

  Kind kind_ = Kind::kNull;
  bool bool_ = false;
  bool unvisited_ = false;  // the value is a container that is open, nothing of it read
  bool first_ = false;      // no element of the container at hand was read
  bool failed_ = false;
  int depth_ = 0;
  std::size_t value_at_ = 0;
  std::string levels_;  // what skip_container() has open
};

}  // namespace kpp::json
