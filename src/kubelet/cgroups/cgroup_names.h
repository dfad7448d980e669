// Where the groups of pods stand, as each driver has it. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kpp::kubelet {

// A group as the steps to it from the root: {"kubepods", "burstable", "pod<uid>"}.
using CgroupName = std::vector<std::string>;

// cgroupfs: /kubepods/burstable/pod<uid>.
std::string cgroupfs_path(const CgroupName& name);
// systemd: /kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<uid>.slice; dashes
// within a step are written as underscores.
std::string systemd_path(const CgroupName& name);
// Its last part: the unit.
std::string systemd_unit(const CgroupName& name);
// The steps of a path: "/a/b" -> {"a", "b"}.
CgroupName cgroup_name(std::string_view path);

}  // namespace kpp::kubelet
