#include "kubelet/container/expansion.h"

namespace kpp::kubelet {

std::string expand(std::string_view text, const Lookup& lookup) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i++];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      i += 2;
      continue;
    }
    const std::size_t close = text[i + 1] == '(' ? text.find(')', i + 2) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += text[i];
      out += text[i + 1];
      i += 2;
      continue;
    }
    const std::string name(text.substr(i + 2, close - i - 2));
    if (const auto value = lookup(name)) {
      out += *value;
    } else {
      out.append(text.substr(i, close - i + 1));
    }
    i = close + 1;
  }
  return out;
}

std::set<std::string> missing_names(std::string_view text, const Lookup& lookup) {
  std::set<std::string> missing;
  (void)expand(text, [&](const std::string& name) {
    auto value = lookup(name);
    if (value.value_or("").empty()) missing.insert(name);
    return value;
  });
  return missing;
}

}  // namespace kpp::kubelet
