// kube-apiserver's flags about who may come in and what they may do.
#pragma once

#include "control_plane.h"
#include "flags.h"

namespace kpp::cmd {

struct SecurityFlags {
  std::vector<std::string> authorization_modes{"Node", "RBAC"};
  std::vector<std::string> allowed_names, username_headers, uid_headers, group_headers,
      extra_header_prefixes;
  std::string request_header_ca_file;
  std::string proxy_client_cert_file, proxy_client_key_file;  // for aggregated servers
  std::vector<std::string> kubelet_address_types;
  std::vector<std::string> enable_plugins, disable_plugins;

  void add_to(Flags& flags);
  // kInvalid, or what reading a file answers.
  Status apply(ControlPlaneOptions& options) const;
};

}  // namespace kpp::cmd
