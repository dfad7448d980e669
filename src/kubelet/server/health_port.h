// The port on which the kubelet says that it lives: plain HTTP, for this machine.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "base/log.h"
#include "net/server.h"

namespace kpp::kubelet {

// The answer to /healthz and its parts (ping, log, syncloop; ?verbose names them); nullopt for
// another path.
std::optional<net::Response> health_answer(const net::Request& request);

// Ownership: executor and log outlive it. Runs on: the executor.
// Stop: stop() closes the port. Required before destruction once start() was called.
class HealthPort {
 public:
  HealthPort(async::IoExecutor& executor, Logger log);
  ~HealthPort();

  Status start(const std::string& address, std::uint16_t port);
  async::Task<void> stop();

 private:
  class Answers;
  async::IoExecutor& executor_;
  Logger log_;
  std::unique_ptr<Answers> answers_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace kpp::kubelet
