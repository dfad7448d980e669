// Connections of a client of port-forward, carried into a pod.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dockershim/types.h"

namespace kpp::dockershim {

// Serves pairs of SPDY streams, "data" and "error" of one request each, until the client goes.
// `pid` is a process in the pod's network namespace; `pod` its name in messages.
async::Task<void> forward_ports(ShimDeps deps, std::unique_ptr<net::ByteStream> connection,
                                std::int64_t pid, std::string pod, async::StopToken stop);

}  // namespace kpp::dockershim
