// Builds one row of a Table, cell by cell.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/corev1.h"
#include "api/metav1.h"
#include "api/types.h"
#include "base/clock.h"

namespace kpp::apiserver {

inline constexpr std::string_view kNone = "<none>";
inline constexpr std::string_view kUnset = "<unset>";
inline constexpr std::string_view kUnknown = "<unknown>";

// A duration for people, in at most two units: "5s", "2m3s", "3d12h", "2y30d".
std::string human_duration(Duration duration);

// Cells of one row, in the order of the columns.
class Row {
 public:
  explicit Row(WallTime now) : now_(now) {}

  Row& text(std::string_view value);
  // The text, or what stands for an absent one.
  Row& text_or(std::string_view value, std::string_view absent) {
    return text(value.empty() ? absent : value);
  }
  Row& number(std::int64_t value);
  Row& boolean(bool value);
  Row& age(const metav1::ObjectMeta& meta) { return text(since(meta.creation_timestamp)); }
  // Names and images of the containers: two cells.
  Row& containers(const std::vector<corev1::Container>& containers);

  // How long ago that was; "<unknown>" for the zero time.
  std::string since(const api::Time& time) const;
  std::string since(const api::MicroTime& time) const;
  WallTime now() const { return now_; }

  // JSON array of the row's conditions.
  void set_conditions(std::string_view json) { conditions_ = json; }
  std::string take_conditions() { return std::move(conditions_); }
  // JSON array of the cells.
  std::string take_cells() const { return "[" + cells_ + "]"; }

 private:
  void separate() {
    if (!cells_.empty()) cells_ += ',';
  }

  WallTime now_;
  std::string cells_, conditions_;
};

std::string join(const std::vector<std::string>& parts, std::string_view separator);
// "a=b,c=d"; "<none>" if empty.
std::string format_labels(const std::map<std::string, std::string>& labels);
// The selector as text; "<none>" if empty or absent, "<error>" if it is invalid.
std::string format_selector(const api::Opt<metav1::LabelSelector>& selector);
std::string format_selector(const metav1::LabelSelector& selector);
// The text of an invalid selector is empty here.
std::string plain_selector(const api::Opt<metav1::LabelSelector>& selector);
// "a,b,c + 2 more..." where the list was cut off.
std::string with_more(const std::vector<std::string>& list, std::size_t count, std::size_t max);
std::string lower(std::string_view text);

}  // namespace kpp::apiserver
