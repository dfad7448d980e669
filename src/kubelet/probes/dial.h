// Connections to containers, for probes and hooks.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/status.h"

namespace kpp::kubelet {

struct HttpProbe {
  bool tls = false;  // any certificate will do
  std::string host;
  int port = 0;
  std::string path;  // with the query
  std::vector<std::pair<std::string, std::string>> headers;

  std::string url() const;
};

struct HttpAnswer {
  int status = 0;
  std::string location;
  std::string body;  // at most 10 KiB
};

// Guarantees: errors carry Go's text: dial tcp 10.0.0.1:80: connect: connection refused.
// Runs on: the executor of the implementation.
class Dialer {
 public:
  virtual ~Dialer() = default;
  virtual async::Task<Status> connect_tcp(std::string host, int port, Duration timeout,
                                          async::StopToken stop) = 0;
  // One request, no redirects.
  virtual async::Task<Result<HttpAnswer>> get(HttpProbe probe, Duration timeout,
                                              async::StopToken stop) = 0;
  // grpc.health.v1.Health/Check; answers the status ("SERVING").
  virtual async::Task<Result<std::string>> grpc_health(std::string host, int port,
                                                       std::string service, Duration timeout,
                                                       async::StopToken stop) = 0;
};

// Over the network.
std::unique_ptr<Dialer> make_dialer(async::IoExecutor& executor);

}  // namespace kpp::kubelet
