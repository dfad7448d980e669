#include "store/etcd/key_space.h"

#include "base/cat.h"

namespace kpp::store {

std::optional<std::string> KeySpace::outward(std::string_view key) const {
  if (!key.starts_with(here)) return std::nullopt;
  return cat(there, key.substr(here.size()));
}

std::optional<std::string> KeySpace::outward_prefix(std::string_view prefix) const {
  if (here.starts_with(prefix)) return there;  // of all that we have
  return outward(prefix);
}

std::optional<std::string> KeySpace::inward(std::string_view key) const {
  if (!key.starts_with(there)) return std::nullopt;
  return cat(here, key.substr(there.size()));
}

std::string end_of_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (prefix.empty()) return std::string(1, '\0');
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace kpp::store
