// Store, API server and its listeners as one thing to start and stop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/admission/plugin_selection.h"
#include "apiserver/api_server.h"
#include "apiserver/certificates.h"
#include "async/executor.h"
#include "async/scope.h"
#include "async/task.h"
#include "async/wait.h"
#include "base/log.h"
#include "net/server.h"
#include "store/compactor.h"
#include "store/store.h"

namespace kpp::cmd {

// An etcd cluster as store; without servers the embedded store in the data directory is used.
struct EtcdFlags {
  std::vector<std::string> servers;
  std::string ca_file, certificate_file, key_file;  // PEM files
  std::string prefix = "/registry";
};

struct ControlPlaneOptions {
  std::string data_dir;
  EtcdFlags etcd;
  std::string bind_address = "127.0.0.1";
  std::string advertise_address = "127.0.0.1";
  int secure_port = 6443;
  std::string service_cidr = "10.96.0.0/16";
  Duration event_ttl = std::chrono::hours(1);
  std::string token_auth_file;
  std::string client_ca_file;  // beside the cluster's own CA
  bool anonymous_auth = true;
  std::vector<apiserver::AuthorizationMode> authorization_modes{
      apiserver::AuthorizationMode::kNode, apiserver::AuthorizationMode::kRbac};
  std::vector<apiserver::Plugin> admission_plugins = apiserver::default_plugins();
  apiserver::RequestHeaderOptions request_headers;
  apiserver::AuditLogOptions audit_log;
  apiserver::AuditPolicy audit_policy = apiserver::AuditPolicy::all(apiserver::AuditLevel::kNone);
  std::vector<std::string> kubelet_address_types{"InternalIP", "ExternalIP", "Hostname"};
  bool bootstrap_tokens = false;
  // Given by others, PEM files. With a serving certificate nothing is made here, and the files
  // below are needed too; client_ca_file is then the one CA of clients.
  std::string tls_cert_file, tls_private_key_file;
  std::string kubelet_client_certificate, kubelet_client_key;
  std::string kubelet_certificate_authority;  // empty: any certificate of a kubelet is taken
  std::string service_account_signing_key_file;
  std::vector<std::string> service_account_key_files;
  std::string service_account_issuer;  // empty: https://kubernetes.default.svc
  std::string node_name;  // of the node in the same process; its serving certificate is made too
};

// Ownership: executor, pool and log outlive it. Runs on: the executor; a first start's key is made
// on the pool. Stop: stop() closes the listeners, then the server, then the store. Required before
// destruction once start() was called.
class ControlPlane {
 public:
  ControlPlane(async::IoExecutor& executor, async::ThreadPool& pool, Logger log,
               ControlPlaneOptions options);
  ~ControlPlane();

  async::Task<Status> start(async::StopToken stop);
  // After start(): until `stop`, or with the error of what the server cannot be without, the first
  // start's service account key.
  async::Task<Status> serve(async::StopToken stop);
  async::Task<void> stop();

  apiserver::ApiServer& server() { return *server_; }
  const apiserver::Certificates& certificates() const { return certificates_; }
  std::string url() const;
  // Writes the administrator's kubeconfig (0600) into the data directory; gives its path.
  Result<std::string> write_kubeconfig() const;

 private:
  async::Task<Result<std::unique_ptr<store::Store>>> open_store(async::StopToken stop);

  std::string pki_directory() const { return cat(options_.data_dir, "/pki"); }
  // Beside the rest of the start, which does not need it.
  async::Task<void> make_service_account_key();

  async::IoExecutor& executor_;
  async::ThreadPool& pool_;
  Logger log_;
  ControlPlaneOptions options_;
  apiserver::Certificates certificates_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::Compactor> compactor_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<net::Server> listener_;
  async::Event failed_;
  Status failure_;
  async::Scope scope_;
};

}  // namespace kpp::cmd
