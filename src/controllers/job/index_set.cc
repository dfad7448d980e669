#include "controllers/job/index_set.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/cat.h"

namespace kpp::controllers {
namespace {

std::optional<int> number(std::string_view text) {
  int out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < 0) return std::nullopt;
  return out;
}

}  // namespace

IndexSet IndexSet::parse(std::string_view text, int completions) {
  IndexSet out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto dash = part.find('-');
    const auto first = number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
    if (!first || !last || *first >= completions || *last < *first) continue;
    const int end = std::min(*last, completions - 1);
    if (!out.ranges_.empty() && out.ranges_.back().second >= *first - 1) {
      out.ranges_.back().second = std::max(out.ranges_.back().second, end);
    } else {
      out.ranges_.emplace_back(*first, end);
    }
  }
  return out;
}

void IndexSet::insert(int index) {
  if (contains(index)) return;
  const auto next = std::upper_bound(ranges_.begin(), ranges_.end(), std::pair(index, index));
  const bool joins_next = next != ranges_.end() && next->first == index + 1;
  const bool joins_last = next != ranges_.begin() && std::prev(next)->second == index - 1;
  if (joins_next && joins_last) {
    std::prev(next)->second = next->second;
    ranges_.erase(next);
  } else if (joins_next) {
    next->first = index;
  } else if (joins_last) {
    std::prev(next)->second = index;
  } else {
    ranges_.insert(next, {index, index});
  }
}

bool IndexSet::contains(int index) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), index,
                                      [](int i, const auto& range) { return i < range.first; });
  return after != ranges_.begin() && std::prev(after)->second >= index;
}

int IndexSet::size() const {
  int out = 0;
  for (const auto& [first, last] : ranges_) out += last - first + 1;
  return out;
}

int IndexSet::common_with(const IndexSet& other) const {
  int out = 0;
  for (const auto& [a, b] : ranges_) {
    for (const auto& [c, d] : other.ranges_) {
      out += std::max(0, std::min(b, d) - std::max(a, c) + 1);
    }
  }
  return out;
}

std::string IndexSet::to_string() const {
  std::string out;
  for (const auto& [first, last] : ranges_) {
    out += cat(out.empty() ? "" : ",", first);
    if (last > first) out += cat(last == first + 1 ? "," : "-", last);
  }
  return out;
}

}  // namespace kpp::controllers
