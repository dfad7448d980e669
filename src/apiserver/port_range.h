// The ports of a range that are taken, as the store keeps them.
#pragma once

#include <cstdint>
#include <string>

#include "api/corev1.h"
#include "base/status.h"

namespace kpp::apiserver {

// Read from and written to a RangeAllocation: `range` is "30000-32767", `data` is one number, its
// highest byte first, in which bit n says that the n-th port of the range is taken.
class PortRange {
 public:
  PortRange(std::int32_t first, std::int32_t last) : first_(first), last_(last) {}
  // kCorrupt if the allocation is of another range.
  static Result<PortRange> read(const corev1::RangeAllocation& from, std::int32_t first,
                                std::int32_t last);
  // The object with these ports; the rest of it stays.
  corev1::RangeAllocation write(corev1::RangeAllocation onto) const;

  bool contains(std::int32_t port) const { return port >= first_ && port <= last_; }
  // Of ports in the range.
  bool taken(std::int32_t port) const;
  void set(std::int32_t port, bool taken);

 private:
  std::int32_t first_, last_;
  std::string low_first_;  // bytes, the lowest first
};

}  // namespace kpp::apiserver
