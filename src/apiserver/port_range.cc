#include "apiserver/port_range.h"

#include <algorithm>

namespace kpp::apiserver {

Result<PortRange> PortRange::read(const corev1::RangeAllocation& from, std::int32_t first,
                                  std::int32_t last) {
  const std::string range = cat(first, "-", last);
  // One that was made and never written has no range yet.
  if (!from.range.empty() && from.range != range)
    return fail(Reason::kCorrupt,
                cat("the ports that are kept are of ", from.range, ", not of ", range));
  PortRange out(first, last);
  out.low_first_.assign(from.data.rbegin(), from.data.rend());
  return out;
}

corev1::RangeAllocation PortRange::write(corev1::RangeAllocation onto) const {
  onto.range = cat(first_, "-", last_);
  const auto end =
      std::find_if(low_first_.rbegin(), low_first_.rend(), [](char byte) { return byte != 0; });
  onto.data.assign(end, low_first_.rend());
  return onto;
}

bool PortRange::taken(std::int32_t port) const {
  const auto n = static_cast<std::size_t>(port - first_);
  return n / 8 < low_first_.size() &&
         (static_cast<unsigned char>(low_first_[n / 8]) >> n % 8 & 1) != 0;
}

void PortRange::set(std::int32_t port, bool taken) {
  const auto n = static_cast<std::size_t>(port - first_);
  if (n / 8 >= low_first_.size()) low_first_.resize(n / 8 + 1, '\0');
  auto bits = static_cast<unsigned char>(low_first_[n / 8]);
  const auto bit = static_cast<unsigned char>(1u << n % 8);
  bits = static_cast<unsigned char>(taken ? bits | bit : bits & ~bit);
  low_first_[n / 8] = static_cast<char>(bits);
}

}  // namespace kpp::apiserver
