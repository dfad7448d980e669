// The sub-ranges of one address range, and which of them are taken.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kpp::controllers {

class CidrSet {
 public:
  // `range`: "10.244.0.0/16" or IPv6; `mask`: the prefix length of a sub-range, at most 16 bits
  // longer than the range's. Errors: kInvalid.
  static Result<CidrSet> make(std::string_view range, int mask);

  // The next free sub-range, round and round; nothing if all are taken.
  std::optional<std::string> take_next();
  // All sub-ranges that `range` touches; false if it does not lie in the set.
  bool take(std::string_view range) { return mark(range, true); }
  bool release(std::string_view range) { return mark(range, false); }

 private:
  using Bytes = std::array<std::uint8_t, 16>;
  bool mark(std::string_view range, bool taken);
  std::string text_of(std::uint32_t index) const;

  Bytes base_{};
  bool v6_ = false;
  int prefix_ = 0, mask_ = 0;
  std::uint32_t count_ = 0, next_ = 0;
  std::set<std::uint32_t> taken_;
};

}  // namespace kpp::controllers
