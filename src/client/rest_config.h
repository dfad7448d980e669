// From a kubeconfig to a transport over the network.
#pragma once

#include <memory>
#include <string>

#include "client/kubeconfig.h"
#include "net/client.h"

namespace kpp::client {

// One context of a kubeconfig, resolved.
struct RestConfig {
  KubeCluster cluster;
  KubeUser user;
  std::string namespace_;  // "default" if the context names none
};

// `context` empty: the current one. Errors: kBadRequest, naming what is missing.
Result<RestConfig> rest_config(const Kubeconfig& config, std::string_view context = {});
// The token, if there is one, goes to the Client.
Result<std::unique_ptr<net::HttpClient>> make_transport(async::IoExecutor& executor,
                                                        const RestConfig& config);

}  // namespace kpp::client
