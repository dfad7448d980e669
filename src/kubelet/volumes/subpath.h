// A part of a volume as a mount of its own, so that nothing a container does to the volume can lead
// the runtime elsewhere.
#pragma once

#include <string>

#include "base/status.h"

namespace kpp::kubelet {

// Makes what is missing of a path below a volume, as directories with the volume's mode. Links are
// followed only as long as they stay inside. What is there already, wherever links lead, is left to
// bind_subpath to judge. Blocks.
Status make_subpath(const std::string& volume, const std::string& subpath);

// Bind-mounts the file or directory below the volume on `target`, which is made; a mount of
// something else that is there is replaced. A path that leads out of the volume by a link is an
// error. Blocks.
Status bind_subpath(const std::string& volume, const std::string& subpath,
                    const std::string& target);

}  // namespace kpp::kubelet
