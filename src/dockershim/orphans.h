// Processes of containers that the engine knows nothing of.
#pragma once

#include <string>
#include <vector>

#include "dockershim/types.h"

namespace kpp::dockershim {

// An engine that is killed between making a container's process and writing it down forgets the
// process: the container counts as created, and runs. Control groups still tell whose it is; the
// process of containerd's beside it has the container's id among its arguments.
//
// Runs on: any thread; blocks.
std::vector<int> processes_of(const std::string& container_id, const std::string& proc = "/proc");

// Removes a container, running or not, and such processes of one that is said never to have
// started. kNotFound if the engine has no such container.
async::Task<Status> remove_from_engine(const ShimDeps& deps, std::string id, bool started,
                                       async::StopToken stop);

}  // namespace kpp::dockershim
