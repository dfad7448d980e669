// A directory of small files that changes as a whole: readers see all of the old files or all of
// the new ones.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace kpp::kubelet {

struct PayloadFile {
  std::string data;
  std::uint32_t mode = 0644;
  std::optional<std::int64_t> owner;  // uid; else root
  friend bool operator==(const PayloadFile&, const PayloadFile&) = default;
};
// By path relative to the directory; never absolute, no "..".
using Payload = std::map<std::string, PayloadFile>;

// Makes the directory hold exactly the payload, with the layout of the original: files lie in a
// time-stamped folder,
// `..data` points to it, and visible names point through `..data`. Nothing is written if nothing
// changed. Blocks.
Status write_payload(const std::string& directory, const Payload& payload, WallTime now,
                     std::optional<std::int64_t> group);

}  // namespace kpp::kubelet
