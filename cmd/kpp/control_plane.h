// Store, API server and its listeners as one thing to start and stop.
#pragma once

#include <memory>
#include <string>

#include "apiserver/api_server.h"
#include "apiserver/certificates.h"
#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "net/server.h"
#include "store/compactor.h"
#include "store/store.h"

namespace kpp::cmd {

struct ControlPlaneOptions {
  std::string data_dir;
  std::string bind_address = "127.0.0.1";
  std::string advertise_address = "127.0.0.1";
  int secure_port = 6443;
  std::string service_cidr = "10.96.0.0/16";
  std::string token_auth_file;
  std::string client_ca_file;  // beside the cluster's own CA
  bool anonymous_auth = true;
  std::string node_name;  // of the node in the same process; its serving certificate is made too
};

// Ownership: executor and log outlive it. Runs on: the executor.
// Stop: stop() closes the listeners, then the server, then the store. Required before destruction once start() was called.
class ControlPlane {
 public:
  ControlPlane(async::IoExecutor& executor, Logger log, ControlPlaneOptions options);
  ~ControlPlane();

  async::Task<Status> start(async::StopToken stop);
  async::Task<void> stop();

  apiserver::ApiServer& server() { return *server_; }
  const apiserver::Certificates& certificates() const { return certificates_; }
  std::string url() const;
  // Writes the administrator's kubeconfig (0600) into the data directory; gives its path.
  Result<std::string> write_kubeconfig() const;

 private:
  async::IoExecutor& executor_;
  Logger log_;
  ControlPlaneOptions options_;
  apiserver::Certificates certificates_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::Compactor> compactor_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<net::Server> listener_;
};

}  // namespace kpp::cmd
