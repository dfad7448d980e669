// The API server: one handler for every request, in the order authenticate, authorize, route,
// handle.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/admission/plugin_selection.h"
#include "apiserver/audit/log_file.h"
#include "apiserver/audit/policy.h"
#include "apiserver/auth/authenticator.h"
#include "apiserver/auth/authorizer.h"
#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "base/status.h"
#include "net/http.h"
#include "net/tls.h"
#include "store/store.h"

namespace kpp::apiserver {

class AuditTrail;

struct ApiServerOptions {
  std::string service_cidr = "10.96.0.0/16";
  std::string advertise_address = "127.0.0.1";  // of the kubernetes service's endpoint
  int secure_port = 6443;
  std::string hostname;  // of the machine; names the server's identity lease
  AuthenticatorOptions authentication;
  std::string client_ca_pem;  // of client certificates, as other servers are told of it
  std::vector<AuthorizationMode> authorization_modes{AuthorizationMode::kNode,
                                                     AuthorizationMode::kRbac};
  std::vector<Plugin> admission_plugins = default_plugins();
  std::string service_account_key_pem;  // RSA private key; signs service account tokens
  // There is no key yet: take_service_account_key() brings it, and who asks for a token waits.
  bool service_account_key_follows = false;
  std::string service_account_issuer{ServiceAccountTokens::kIssuer};
  std::chrono::seconds event_ttl{3600};
  bool bootstrap_tokens = false;  // Secrets of type bootstrap.kubernetes.io/token authenticate
  // With what the server reaches kubelets (logs, exec); nullptr: such requests are refused.
  std::shared_ptr<const net::TlsContext> kubelet_tls;
  AuditLogOptions audit_log;  // an empty path: nothing is written down
  AuditPolicy audit_policy = AuditPolicy::all(AuditLevel::kMetadata);
  // Which of a node's addresses it is reached by, the best first.
  std::vector<std::string> kubelet_address_types{"InternalIP", "ExternalIP", "Hostname"};
};

// Guarantees: an answer to a write is given after the write is durable; reads show every write that
// was answered before
//   they began. Nothing that a client sends ends the process.
// Ownership: executor and store outlive it; the store is not closed by it.
// Runs on: its executor.
// Stop: stop() ends the watches that follow the store; requests in flight finish first (the
// listeners are the owner's).
class ApiServer final : public net::Handler {
 public:
  static Result<std::unique_ptr<ApiServer>> make(async::IoExecutor& executor, store::Store& store,
                                                 Logger log, ApiServerOptions options);
  ~ApiServer() override;

  // Loads the store into the cache and makes the objects that every cluster has. Requests may come
  // after it.
  async::Task<Status> start(async::StopToken stop);
  async::Task<void> stop();

  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override;

  Authenticator& authenticator();
  // See ApiServerOptions::service_account_key_follows. The key, or why there will be none.
  Status take_service_account_key(Result<std::string> key_pem);

 private:
  struct State;
  struct Arrived;  // what a request is about
  explicit ApiServer(std::unique_ptr<State> state);

  async::Task<net::Response> serve(net::Request request, Arrived arrived, AuditTrail* trail,
                                   async::StopToken stop);
  std::unique_ptr<State> state_;
};

}  // namespace kpp::apiserver
