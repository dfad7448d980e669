// `kubeadm certs`: when the certificates of this machine expire, and new ones in their place.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "kubeadm/config.h"
#include "kubeadm/printer.h"

namespace kpp::kubeadm {

// The two tables: certificates (kubeconfigs too), and authorities.
Result<std::string> expiration_tables(const std::string& certificates_dir,
                                      const std::string& kubernetes_dir, WallTime now);

// Renews one by name (apiserver, etcd-server, admin.conf, ...) or "all". kNotFound if there is no
// such certificate, or its CA's key is not here.
Status renew_certificates(std::string_view name, const ClusterConfig& config,
                          const std::string& kubernetes_dir, WallTime now, const Printer& print);

// 32 random bytes in hexadecimal.
std::string new_certificate_key();

}  // namespace kpp::kubeadm
