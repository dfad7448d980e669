#include "kubelet/cgroups/systemd_slices.h"

#include "base/cat.h"

namespace kpp::kubelet {
namespace {

std::string or_infinity(std::int64_t value) { return value < 0 ? "infinity" : cat(value); }

// systemd takes a share of one processor, in whole percent and a fraction of it.
std::string percent(std::int64_t quota_us, std::int64_t period_us) {
  const std::int64_t hundredths = quota_us * 10'000 / period_us;
  std::string fraction = cat(hundredths % 100);
  if (fraction.size() == 1) fraction.insert(0, "0");
  return cat(hundredths / 100, ".", fraction, "%");
}

}  // namespace

std::vector<Command> slice_commands(const std::string& unit, const sys::CgroupLimits& limits,
                                    sys::CgroupVersion version) {
  const bool two = version == sys::CgroupVersion::kV2;
  Command set = {"systemctl",          "--runtime",
                 "set-property",       unit,
                 "CPUAccounting=yes",  "MemoryAccounting=yes",
                 "TasksAccounting=yes"};
  if (limits.cpu_shares) {
    set.push_back(two ? cat("CPUWeight=", sys::cpu_weight_from_shares(*limits.cpu_shares))
                      : cat("CPUShares=", *limits.cpu_shares));
  }
  if (limits.cpu_quota_us) {
    const std::int64_t period = limits.cpu_period_us.value_or(100'000);
    set.push_back(
        cat("CPUQuota=", *limits.cpu_quota_us < 0 ? "" : percent(*limits.cpu_quota_us, period)));
  }
  if (limits.memory_bytes)
    set.push_back(cat(two ? "MemoryMax=" : "MemoryLimit=", or_infinity(*limits.memory_bytes)));
  if (limits.pids) set.push_back(cat("TasksMax=", or_infinity(*limits.pids)));
  return {{"systemctl", "start", unit}, std::move(set)};
}

Command remove_slice_command(const std::string& unit) { return {"systemctl", "stop", unit}; }

}  // namespace kpp::kubelet
