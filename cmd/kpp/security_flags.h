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
  std::string audit_policy_file, audit_log_format = "json";
  int audit_log_max_age = 366, audit_log_max_backup = 100, audit_log_max_size = 100;
  std::string audit_log_path;

  void add_to(Flags& flags);
  // The audit's alone.
  void add_audit_to(Flags& flags);
  // kInvalid, or what reading a file answers.
  Status apply(ControlPlaneOptions& options) const;
  Status apply_audit(ControlPlaneOptions& options) const;
};

}  // namespace kpp::cmd
