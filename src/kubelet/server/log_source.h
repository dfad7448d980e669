// The body of a logs answer: what a log file holds, then what is added to it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/executor.h"
#include "kubelet/server/log_reader.h"
#include "net/http.h"

namespace kpp::kubelet {

struct LogRequest {
  std::string path;
  LogOptions options;
  bool follow = false;
  // While true, a follower waits for more at the end of the file.
  std::function<bool()> still_written;
};

// Errors: kNotFound if there is no such file.
async::Task<Result<std::unique_ptr<net::BodySource>>> open_log(async::Executor& executor,
                                                               async::ThreadPool& pool,
                                                               LogRequest request);

}  // namespace kpp::kubelet
