#include "validation/diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/cat.h"

namespace kpp::validation {
namespace {

constexpr std::size_t kContext = 3;

enum class Op : std::uint8_t { kKeep, kDrop, kAdd };
struct Edit {
  Op op;
  std::string_view line;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// The shortest edit by the longest common subsequence of what lies between the equal beginning and
// end.
std::vector<Edit> edits_of(const std::vector<std::string_view>& a,
                           const std::vector<std::string_view>& b) {
  std::size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    ++tail;
  const std::size_t n = a.size() - head - tail;
  const std::size_t m = b.size() - head - tail;
  std::vector<std::vector<std::uint32_t>> common(n + 1, std::vector<std::uint32_t>(m + 1));
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      common[i][j] = a[head + i] == b[head + j] ? common[i + 1][j + 1] + 1
                                                : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<Edit> out;
  for (std::size_t i = 0; i < head; ++i) out.push_back({Op::kKeep, a[i]});
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && a[head + i] == b[head + j]) {
      out.push_back({Op::kKeep, a[head + i]});
      ++i;
      ++j;
    } else if (i < n && (j == m || common[i + 1][j] >= common[i][j + 1])) {
      out.push_back({Op::kDrop, a[head + i++]});
    } else {
      out.push_back({Op::kAdd, b[head + j++]});
    }
  }
  for (std::size_t k = a.size() - tail; k < a.size(); ++k) out.push_back({Op::kKeep, a[k]});
  return out;
}

std::string range_of(std::size_t line, std::size_t count) {
  if (count == 1) return std::to_string(line);
  return cat(count == 0 ? line - 1 : line, ",", count);
}

}  // namespace

std::string unified_diff(std::string_view before, std::string_view after) {
  const std::vector<Edit> edits = edits_of(lines_of(before), lines_of(after));
  std::string out;
  std::size_t old_line = 1;
  std::size_t new_line = 1;
  for (std::size_t i = 0; i < edits.size();) {
    std::size_t change = i;
    while (change < edits.size() && edits[change].op == Op::kKeep) ++change;
    if (change == edits.size()) break;
    const std::size_t begin = std::max(i, change > kContext ? change - kContext : 0);
    old_line += begin - i;
    new_line += begin - i;
    // The group ends where more than twice the context is unchanged.
    std::size_t end = change;
    for (std::size_t k = change; k < edits.size() && k - end <= 2 * kContext; ++k) {
      if (edits[k].op != Op::kKeep) end = k + 1;
    }
    const std::size_t stop = std::min(end + kContext, edits.size());
    std::size_t old_count = 0;
    std::size_t new_count = 0;
    std::string body;
    for (std::size_t k = begin; k < stop; ++k) {
      const Edit& edit = edits[k];
      if (edit.op != Op::kAdd) ++old_count;
      if (edit.op != Op::kDrop) ++new_count;
      body += cat(edit.op == Op::kKeep ? ' ' : edit.op == Op::kDrop ? '-' : '+', edit.line, "\n");
    }
    out += cat("@@ -", range_of(old_line, old_count), " +", range_of(new_line, new_count), " @@\n",
               body);
    old_line += old_count;
    new_line += new_count;
    i = stop;
  }
  return out;
}

}  // namespace kpp::validation
