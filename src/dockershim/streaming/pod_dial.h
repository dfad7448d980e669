// Connections into pods.
#pragma once

#include <cstdint>
#include <memory>

#include "async/executor.h"
#include "async/wait.h"
#include "net/http.h"

namespace kpp::dockershim {

// Connects to a port of 127.0.0.1, or of ::1, in the network namespace of a process.
// Errors: kServiceUnavailable with what the system said.
async::Task<Result<std::unique_ptr<net::ByteStream>>> dial_in_namespace(async::IoExecutor& executor,
                                                                        async::ThreadPool& pool,
                                                                        std::int64_t pid,
                                                                        std::uint16_t port,
                                                                        async::StopToken stop);

}  // namespace kpp::dockershim
