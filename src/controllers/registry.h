// All controllers, and the one who runs them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/cat.h"
#include "base/version.h"
#include "controllers/account_transports.h"
#include "controllers/certificates/csr_signer.h"
#include "controllers/controller.h"
#include "controllers/node_ipam/node_ipam_controller.h"

namespace kpp::controllers {

// What some controllers need beside the context.
struct ClusterFacts {
  std::string root_ca_pem;  // empty: the root certificate is not published
  SigningOptions signing;   // empty: no requests are signed
  // No ranges: nodes get none from here.
  NodeIpamOptions node_ipam;
};

struct ControllerEntry {
  std::string_view name, alias;
  std::string_view account;  // the service account that it acts as
  std::unique_ptr<Controller> (*make)(const ControllerContext& context,
                                      const ClusterFacts& facts);  // may give null
  bool on_by_default = true;                                       // else "*" does not mean it
};

// The controllers that there are, in the order of their start.
const std::vector<ControllerEntry>& controller_entries();

// As --controllers: "*" is all, "name" (or its alias) turns one on, "-name" off; a name wins over
// "*".
bool is_enabled(const ControllerEntry& entry, const std::vector<std::string>& selection);

// Runs the selected controllers over shared informers.
//
// Ownership: executor, transport and accounts must outlive it.
// Runs on: the executor.
// Stop: stop() before destruction.
class ControllerManager {
 public:
  struct Deps {
    async::Executor& executor;
    net::Transport& transport;  // of the informers; of the controllers too, without `accounts`
    Logger log;
    AccountTransports* accounts = nullptr;
  };
  struct Options {
    std::vector<std::string> controllers = {"*"};
    ClusterFacts facts;
    std::string user_agent = cat("kube-controller-manager/", kKubernetesVersion);
    std::string bearer_token;
  };

  ControllerManager(Deps deps, Options options);
  ~ControllerManager();
  ControllerManager(const ControllerManager&) = delete;
  ControllerManager& operator=(const ControllerManager&) = delete;

  // Errors: kInvalid if the selection names a controller that there is not.
  Status start();
  async::Task<void> stop();
  std::vector<std::string> running() const;

 private:
  client::Client& client_of(std::string_view account);

  Deps deps_;
  const Options options_;
  client::Client client_;
  std::map<std::string_view, std::unique_ptr<client::Client>> account_clients_;
  SharedInformers informers_;
  std::vector<std::unique_ptr<Controller>> controllers_;
};

}  // namespace kpp::controllers
