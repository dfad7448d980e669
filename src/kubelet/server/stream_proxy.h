// Hands an upgraded request on to the runtime's streaming server and carries the bytes both ways.
#pragma once

#include <string>

#include "async/executor.h"
#include "net/http.h"

namespace kpp::kubelet {

// Asks `url` for the same upgrade as the request. The answer is 101 with the runtime's headers, or
// the runtime's refusal.
async::Task<net::Response> proxy_upgrade(async::IoExecutor& executor, net::Request request,
                                         std::string url, async::StopToken stop);

}  // namespace kpp::kubelet
