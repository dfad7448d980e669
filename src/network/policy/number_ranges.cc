#include "network/policy/number_ranges.h"

#include <algorithm>
#include <limits>

namespace kpp::network {

void NumberRanges::add(NumberRange range) {
  if (range.last < range.first) return;
  std::vector<NumberRange> out;
  for (const NumberRange& other : ranges_) {
    const bool before =
        other.last != std::numeric_limits<std::uint32_t>::max() && other.last + 1 < range.first;
    const bool behind =
        range.last != std::numeric_limits<std::uint32_t>::max() && range.last + 1 < other.first;
    if (before || behind) {
      out.push_back(other);
    } else {
      range.first = std::min(range.first, other.first);
      range.last = std::max(range.last, other.last);
    }
  }
  out.push_back(range);
  std::ranges::sort(out);
  ranges_ = std::move(out);
}

void NumberRanges::remove(NumberRange range) {
  if (range.last < range.first) return;
  std::vector<NumberRange> out;
  for (const NumberRange& other : ranges_) {
    if (other.last < range.first || range.last < other.first) {
      out.push_back(other);
      continue;
    }
    if (other.first < range.first) out.push_back({other.first, range.first - 1});
    if (range.last < other.last) out.push_back({range.last + 1, other.last});
  }
  ranges_ = std::move(out);
}

}  // namespace kpp::network
