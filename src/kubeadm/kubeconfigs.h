// The kubeconfig files of a control plane.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "kubeadm/config.h"
#include "kubeadm/phases.h"
#include "kubeadm/printer.h"
#include "net/x509.h"

namespace kpp::kubeadm {

struct KubeconfigKind {
  std::string_view file;   // admin.conf
  std::string_view user;   // empty: system:node:NAME
  std::string_view group;  // empty: none
  bool local;              // its server is the machine's own API server, not the shared endpoint
  bool first_alone;        // not of control planes that join
};

const std::vector<KubeconfigKind>& kubeconfig_kinds();

// A kubeconfig whose only context is user@cluster.
std::string kubeconfig_text(const std::string& cluster, const std::string& server,
                            const std::string& ca_pem, const std::string& user,
                            const net::x509::KeyPair& credential);
// The same with a bearer token.
std::string kubeconfig_with_token(const std::string& cluster, const std::string& server,
                                  const std::string& ca_pem, const std::string& user,
                                  const std::string& token);

// A new client certificate of the cluster's CA, in a kubeconfig.
Result<std::string> make_kubeconfig(const InitConfig& config, const std::string& user,
                                    const std::vector<std::string>& groups,
                                    const std::string& server, WallTime now);

enum class KubeconfigsFor { kFirstControlPlane, kFurtherControlPlane };

// Writes what is missing below `directory` (0600). A file that is there must be for this cluster.
// Only those whose phases (kubeconfig/admin, ...) are chosen.
Status make_kubeconfigs(const InitConfig& config, const std::string& directory, KubeconfigsFor whom,
                        WallTime now, const PhaseChoice& choice, const Printer& print);

// kubelet.conf without the certificate inside: it points to the one that the kubelet rotates.
std::string rotatable_kubelet_conf(const std::string& cluster, const std::string& server,
                                   const std::string& ca_pem, const std::string& node);

}  // namespace kpp::kubeadm
