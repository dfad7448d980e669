#include "kubelet/container/hosts_file.h"

namespace kpp::kubelet {
namespace {

std::string alias_lines(const std::vector<corev1::HostAlias>& aliases) {
  if (aliases.empty()) return {};
  std::string out = "\n# Entries added by HostAliases.\n";
  for (const auto& alias : aliases) out += cat(alias.ip, "\t", join(alias.hostnames, "\t"), "\n");
  return out;
}

}  // namespace

std::string managed_hosts_file(const std::vector<std::string>& pod_ips, const PodHostname& name,
                               const std::vector<corev1::HostAlias>& aliases) {
  std::string out =
      "# Kubernetes-managed hosts file.\n"
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "fe00::0\tip6-mcastprefix\n"
      "fe00::1\tip6-allnodes\n"
      "fe00::2\tip6-allrouters\n";
  for (const auto& ip : pod_ips) {
    if (name.domain.empty()) {
      out += cat(ip, "\t", name.hostname, "\n");
    } else {
      out += cat(ip, "\t", name.fqdn(), "\t", name.hostname, "\n");
    }
  }
  return out + alias_lines(aliases);
}

std::string host_network_hosts_file(std::string_view node_file,
                                    const std::vector<corev1::HostAlias>& aliases) {
  return cat("# Kubernetes-managed hosts file (host network).\n", node_file, alias_lines(aliases));
}

}  // namespace kpp::kubelet
