// Where the store's keys stand in etcd.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kpp::store {

// Keys of the interface that begin with `here` begin with `there` in etcd.
struct KeySpace {
  std::string here, there;

  // nullopt: no key of ours.
  std::optional<std::string> outward(std::string_view key) const;
  // The same for what keys begin with.
  std::optional<std::string> outward_prefix(std::string_view prefix) const;
  // nullopt: somebody else's key.
  std::optional<std::string> inward(std::string_view key) const;
};

// The key behind all that begin with the prefix, as range_end; "\0" if there is none.
std::string end_of_prefix(std::string prefix);

}  // namespace kpp::store
