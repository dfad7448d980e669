// The first process of a node or of a lab's switch: how it is started, remembered, found, ended.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/status.h"
#include "lab/node_spec.h"
#include "lab/state_file.h"
#include "linux/cgroups.h"

namespace kpp::lab {

// The trees as seen from the caller's own group: what a lab makes stays below the limits of whoever
// started it. In version 2 a group with processes cannot have children with limits, so there the
// root is taken.
Result<sys::Cgroups> own_cgroups();

std::string group_name(const std::string& lab, const std::string& node);
Status prepare_group(const sys::Cgroups& cgroups, const std::string& group);

void remember(const sys::Cgroups& cgroups, StateFile& state);
// The trees that a node was made in; those of the caller if that is not known.
Result<sys::Cgroups> cgroups_of(const StateFile& state);

// Writes the spec into its directory, runs the command with it, and adds the process to the state.
Result<pid_t> start_init(const std::vector<std::string>& command, const InitSpec& spec,
                         StateFile& state);
// The init that a state names, if that very process still runs; else 0.
pid_t running_init(const StateFile& state);

// Ends the init, and with it all that runs in its PID namespace, and whoever is in the cgroup: a
// half-made init is known to nobody else.
Status end_processes(const sys::Cgroups& cgroups, const std::string& group, const StateFile& state);

}  // namespace kpp::lab
