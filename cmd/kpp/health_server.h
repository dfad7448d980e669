// The port on which a component without an API says that it lives.
#pragma once

#include <memory>
#include <string>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "base/status.h"
#include "flags.h"
#include "net/server.h"

namespace kpp::cmd {

struct HealthOptions {
  std::string bind_address;                         // empty: no port
  int secure_port = 0;                              // 0: no port
  std::string tls_cert_file, tls_private_key_file;  // empty: a certificate that signs itself

  // --bind-address, --secure-port, --tls-cert-file, --tls-private-key-file.
  void add_to(Flags& flags, int default_port);
};

// Answers /healthz, /livez and /readyz with "ok" over HTTPS, to everybody; nothing else is there.
//
// Ownership: executor and log outlive it. Runs on: the executor.
// Stop: stop() closes the port. Required before destruction once start() was called.
class HealthServer {
 public:
  HealthServer(async::IoExecutor& executor, Logger log);
  ~HealthServer();

  Status start(const HealthOptions& options);
  async::Task<void> stop();

 private:
  struct Answers;
  async::IoExecutor& executor_;
  Logger log_;
  std::unique_ptr<Answers> answers_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace kpp::cmd
