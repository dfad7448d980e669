#include "scheduler/histogram.h"

#include <algorithm>
#include <vector>

#include "base/cat.h"

namespace kpp::scheduler {

std::string histogram(const std::map<std::string, int>& counts) {
  std::vector<std::string> lines;
  for (const auto& [reason, count] : counts) lines.push_back(cat(count, " ", reason));
  std::sort(lines.begin(), lines.end());
  return join(lines, ", ");
}

}  // namespace kpp::scheduler
