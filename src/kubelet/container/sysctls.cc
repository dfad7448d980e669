#include "kubelet/container/sysctls.h"

#include <algorithm>

namespace kpp::kubelet {

std::string dotted_sysctl(std::string name) {
  const auto first = name.find_first_of("./");
  if (first == std::string::npos || name[first] == '.') return name;
  for (char& c : name) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return name;
}

bool sysctl_listed(std::string_view name, const std::vector<std::string>& patterns) {
  return std::ranges::any_of(patterns, [&](const std::string& given) {
    const std::string pattern = dotted_sysctl(given);
    if (!pattern.ends_with('*')) return name == pattern;
    return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
  });
}

}  // namespace kpp::kubelet
