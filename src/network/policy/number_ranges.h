// Sets of whole numbers (addresses, ports) as ranges that do not touch each other.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace kpp::network {

struct NumberRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  friend auto operator<=>(const NumberRange&, const NumberRange&) = default;
};

class NumberRanges {
 public:
  // An empty range (last before first) adds nothing.
  void add(NumberRange range);
  void remove(NumberRange range);
  // In order; neighbours are joined.
  const std::vector<NumberRange>& ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }

 private:
  std::vector<NumberRange> ranges_;
};

}  // namespace kpp::network
