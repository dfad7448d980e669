// Control groups, version 1 (one tree a controller) and version 2 (one tree): what the kubelet and
// the lab need.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kpp::sys {

enum class CgroupVersion { kV1, kV2 };

// Limits of one group; what is not set stays as it is. In the units of the Kubernetes API's kernel
// side:
struct CgroupLimits {
  std::optional<std::int64_t> cpu_shares;     // v1 cpu.shares; v2: converted to cpu.weight
  std::optional<std::int64_t> cpu_quota_us;   // per period; -1: none
  std::optional<std::int64_t> cpu_period_us;  // 100 000 unless set
  std::optional<std::int64_t> memory_bytes;   // -1: none
  std::optional<std::int64_t> pids;           // -1: none
};

// What a group has used.
struct CgroupUsage {
  std::uint64_t cpu_ns = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_working_set_bytes =
      0;  // without inactive file pages, as the original reports it
};

// The trees of this machine. Paths of groups are absolute within the tree:
// "/kubepods/burstable/pod1"; "/" is the root. A copyable value. Thread-safe as far as the kernel
// is.
class Cgroups {
 public:
  // Finds the mounted trees in the caller's mount namespace. kNotFound if there are none.
  static Result<Cgroups> discover();
  // Trees at given directories: v1 by controller name ("memory" -> "/sys/fs/cgroup/memory").
  static Cgroups v1(std::map<std::string, std::string> directories);
  // One tree.
  static Cgroups v2(std::string directory);

  CgroupVersion version() const { return version_; }
  // Controllers (v1: the mounted ones, "name=systemd" among them; v2: empty) and the directories of
  // their trees.
  const std::map<std::string, std::string>& trees() const { return trees_; }
  // Directory of a group for one v1 controller; for v2 whatever the controller. Empty if it is not
  // mounted.
  std::string directory(std::string_view controller, std::string_view group) const;

  // Makes the group in every tree, with its parents. v1: cpuset cpus and mems are taken over from
  // the parent. v2: the controllers that exist are enabled along the way.
  Status create(std::string_view group) const;
  bool exists(std::string_view group) const;
  // Kills nothing: removes the group and those below it in every tree; waits for ending processes
  // up to the deadline. Ok if it is not there. Errors: kTimeout if processes remain in it.
  Status remove(std::string_view group, std::chrono::milliseconds deadline) const;

  Status apply(std::string_view group, const CgroupLimits& limits) const;
  Result<CgroupUsage> usage(std::string_view group) const;
  // Process ids in the group itself, not below it.
  Result<std::vector<pid_t>> processes(std::string_view group) const;
  Status move_process(std::string_view group, pid_t pid) const;
  // The cgroup.procs files of a group, one a tree.
  std::vector<std::string> procs_files(std::string_view group) const;

 private:
  Cgroups(CgroupVersion version, std::map<std::string, std::string> trees)
      : version_(version), trees_(std::move(trees)) {}

  CgroupVersion version_;
  std::map<std::string, std::string> trees_;  // v2: one, with an empty key
};

// A group of a process in one tree: /proc/PID/cgroup.
struct CgroupMembership {
  std::vector<std::string> controllers;  // empty: the v2 tree
  std::string path;
};
Result<std::vector<CgroupMembership>> memberships(pid_t pid);
std::vector<CgroupMembership> parse_memberships(std::string_view text);

// cpu.weight of v2 (1 to 10000) for cpu.shares of v1 (2 to 262144), by the formula that the
// original uses.
std::int64_t cpu_weight_from_shares(std::int64_t shares);

}  // namespace kpp::sys
