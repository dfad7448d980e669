// Giving a volume to a pod's fsGroup.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/status.h"

namespace kpp::kubelet {

// Everything below the path, and itself, belongs to the group afterwards, which may read and
// (unless read_only) write it; directories hand their group on. With `unless_root_matches` nothing
// is done if the path itself is right already (fsGroupChangePolicy OnRootMismatch). Links are not
// followed. Blocks.
Status give_to_group(const std::string& path, gid_t group, bool read_only,
                     bool unless_root_matches);

}  // namespace kpp::kubelet
