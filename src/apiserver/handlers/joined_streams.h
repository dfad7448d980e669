// Two connections made one.
#pragma once

#include <memory>

#include "async/executor.h"
#include "async/task.h"
#include "net/http.h"

namespace kpp::apiserver {

// Carries bytes both ways until both directions have ended; an error in one cuts the other.
async::Task<void> join_streams(async::Executor& executor, std::unique_ptr<net::ByteStream> client,
                               std::unique_ptr<net::ByteStream> backend, async::StopToken stop);

}  // namespace kpp::apiserver
