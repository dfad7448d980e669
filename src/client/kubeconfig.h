// kubeconfig files: where clusters are and how to prove who we are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kpp::client {

struct KubeCluster {
  std::string name;
  std::string server;  // https://host:port
  std::string ca_pem;
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
};

struct KubeUser {
  std::string name;
  std::string certificate_pem, key_pem;
  std::string token;
  std::string token_file;  // of a token that changes; read by make_transport()'s transport
};

struct KubeContext {
  std::string name, cluster, user, namespace_;
};

// Certificates and keys are held as their contents, wherever they stood; so are tokens, but for
// tokenFile.
struct Kubeconfig {
  std::vector<KubeCluster> clusters;
  std::vector<KubeUser> users;
  std::vector<KubeContext> contexts;
  std::string current_context;

  const KubeCluster* cluster(std::string_view name) const;
  const KubeUser* user(std::string_view name) const;
  const KubeContext* context(std::string_view name) const;
};

// From YAML or JSON. Files that it names are read, relative ones from `directory`. Errors:
// kBadRequest; kNotFound for a missing file. Users that need a plug-in (exec, auth-provider) or a
// password are refused when they are used, not here.
Result<Kubeconfig> parse_kubeconfig(std::string_view text, const std::string& directory);
Result<Kubeconfig> load_kubeconfig(const std::string& path);
// YAML with everything embedded.
std::string write_kubeconfig(const Kubeconfig& config);

}  // namespace kpp::client
