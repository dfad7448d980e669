// What systemd is asked for when it keeps the groups of pods: units of type slice. Pure functions;
// the words are commands for systemctl.
#pragma once

#include <string>
#include <vector>

#include "linux/cgroups.h"

namespace kpp::kubelet {

using Command = std::vector<std::string>;

// Makes a slice with its limits, or gives one that is there new limits. They hold until the machine
// starts again.
std::vector<Command> slice_commands(const std::string& unit, const sys::CgroupLimits& limits,
                                    sys::CgroupVersion version);
// Ends a slice and what is left in it.
Command remove_slice_command(const std::string& unit);

}  // namespace kpp::kubelet
