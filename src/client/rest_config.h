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
// Where a pod finds the API server and its own credential. Errors: kNotFound outside a pod.
Result<RestConfig> in_cluster_config();
// The connections alone: tokens are not sent.
Result<std::unique_ptr<net::HttpClient>> make_http_client(async::IoExecutor& executor,
                                                          const RestConfig& config);
// A token that stands in the configuration goes to the Client; one of a file is sent by the
// transport.
Result<std::unique_ptr<net::Transport>> make_transport(async::IoExecutor& executor,
                                                       const RestConfig& config);

}  // namespace kpp::client
