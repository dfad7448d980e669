// The kubelet's way to the API server, and how it proves there which node it is.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "client/client.h"
#include "client/rest_config.h"
#include "kubelet/certificates/certificate_keeper.h"
#include "net/client.h"

namespace kpp::kubelet {

struct ApiConnectionOptions {
  std::string node_name;
  std::string kubeconfig;
  // Used to ask for a certificate where the kubeconfig is missing or its certificate has expired;
  // empty: none.
  std::string bootstrap_kubeconfig;
  std::string certificate_directory = "/var/lib/kubelet/pki";
  bool rotate = false;  // replace the client certificate before it expires
};

// Guarantees: after open() requests are those of the node. With `rotate`, the certificate lies in
// <certificate_directory>/kubelet-client-current.pem, and new connections show the newest one.
// Ownership: the executor must outlive it; what uses the client must stop first.
// Runs on: the executor.
// Stop: stop() before destruction once open() was called.
class ApiConnection {
 public:
  ApiConnection(async::IoExecutor& executor, Logger log, ApiConnectionOptions options);

  // Asks for a certificate first, if there is none that is good, and waits for it (TLS bootstrap);
  // then writes the kubeconfig. Errors: kInvalid for a file that cannot be used, kCanceled.
  async::Task<Status> open(async::StopToken stop);
  async::Task<void> stop();

  client::Client& client() { return *client_; }

 private:
  async::Task<Status> bootstrap(async::StopToken stop);
  Status use_kubeconfig();
  void use_certificate(net::HttpClient& connections, const net::x509::KeyPair& pair);

  async::IoExecutor& executor_;
  Logger log_;
  const ApiConnectionOptions options_;
  const CertificateStore store_;
  client::RestConfig config_;
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<client::Client> client_;
  std::optional<CertificateKeeper> keeper_;
};

// Whether a kubeconfig can be used as it stands: it is there, and its certificate, if it has one,
// has not expired. What stands in the way is in the error.
Status check_kubeconfig(const std::string& path, WallTime now);
// A kubeconfig that proves who it is with what lies at `pem_path`.
std::string kubeconfig_with_certificate(const client::RestConfig& bootstrap,
                                        const std::string& pem_path);

}  // namespace kpp::kubelet
