// The secure port of a component without an API: health for all, the rest for who may.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "client/delegated_access.h"
#include "connection.h"
#include "flags.h"
#include "net/server.h"
#include "process.h"

namespace kpp::cmd {

struct ServingOptions {
  std::string bind_address = "0.0.0.0";
  int secure_port = 0;                              // 0: no port
  std::string tls_cert_file, tls_private_key_file;  // empty: a certificate that signs itself
  // Callers are looked up, and their rights, through these; empty: nobody is let in but for health.
  std::string authentication_kubeconfig, authorization_kubeconfig;
  std::string client_ca_file;  // empty: the one that the API server publishes
  std::string requestheader_client_ca_file;
  std::vector<std::string> open_paths = {"/healthz", "/readyz", "/livez"};
  client::DelegatedAccess::Options access;

  void add_to(Flags& flags, int default_port);
};

// Guarantees: paths of open_paths are answered to everybody; all else wants a caller that the API
//   server knows and lets get the path. The client CA that the API server publishes
//   (kube-system/extension-apiserver-authentication) is followed as it changes.
// Ownership: the process outlives it. Runs on: the executor.
// Stop: stop() closes the port. Required before destruction once start() was called.
class SecureServing {
 public:
  SecureServing(Process& process, ServingOptions options, std::string agent);
  ~SecureServing();

  Status start();
  async::Task<void> stop();

 private:
  class Pages;
  struct Delegation;
  Status use_client_ca(std::string client_ca_pem);
  void follow_published_ca();

  Process& process_;
  const ServingOptions options_;
  const std::string agent_;
  Logger log_;
  net::TlsServerOptions tls_;
  std::unique_ptr<Delegation> delegation_;
  std::unique_ptr<Pages> pages_;
  std::unique_ptr<net::Server> server_;
};

}  // namespace kpp::cmd
