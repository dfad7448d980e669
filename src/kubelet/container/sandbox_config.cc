#include "kubelet/container/sandbox_config.h"

#include "kubelet/container/field_path.h"
#include "kubelet/container/resources.h"
#include "kubelet/container/security.h"
#include "kubelet/container/sysctls.h"
#include "kubelet/runtime_view.h"

namespace kpp::kubelet {
namespace {

std::int32_t protocol_of(const std::string& text) {
  if (text == "UDP") return cri::UDP;
  if (text == "SCTP") return cri::SCTP;
  return cri::TCP;
}

void add_ports(const corev1::Pod& pod, const corev1::Container& container,
               std::vector<cri::PortMapping>& out) {
  for (const auto& port : container.ports) {
    if (port.host_port == 0 || pod.spec.host_network) continue;
    cri::PortMapping mapping;
    mapping.protocol = protocol_of(port.protocol);
    mapping.container_port = port.container_port;
    mapping.host_port = port.host_port;
    mapping.host_ip = port.host_ip;
    out.push_back(std::move(mapping));
  }
}

}  // namespace

std::string pod_log_directory(const KubeletOptions& options, const corev1::Pod& pod) {
  return cat(options.pod_log_dir, "/", pod.metadata.namespace_, "_", pod.metadata.name, "_",
             pod.metadata.uid);
}

std::string pod_directory(const KubeletOptions& options, const std::string& uid) {
  return cat(options.root_dir, "/pods/", uid);
}

cri::PodSandboxConfig sandbox_config(const SandboxInput& in) {
  const corev1::Pod& pod = in.pod;
  cri::PodSandboxConfig out;
  auto& meta = out.metadata.emplace();
  meta.name = pod.metadata.name;
  meta.namespace_ = pod.metadata.namespace_;
  meta.uid = pod.metadata.uid;
  meta.attempt = in.attempt;

  out.labels = pod.metadata.labels;
  out.labels[label::kPodName] = pod.metadata.name;
  out.labels[label::kPodNamespace] = pod.metadata.namespace_;
  out.labels[label::kPodUid] = pod.metadata.uid;
  out.annotations = pod.metadata.annotations;
  out.annotations.try_emplace(label::kConfigSource, "api");

  out.dns_config = pod_dns(pod, in.node_dns, in.options.cluster_dns, in.options.cluster_domain);
  if (!pod.spec.host_network) {
    const PodHostname name = pod_hostname(pod, in.options.cluster_domain);
    const bool fqdn = pod.spec.set_hostname_as_fqdn.value_or(false) && !name.domain.empty();
    out.hostname = fqdn ? name.fqdn() : name.hostname;
  }
  out.log_directory = pod_log_directory(in.options, pod);
  for (const auto& container : pod.spec.containers) add_ports(pod, container, out.port_mappings);
  for (const auto& container : pod.spec.init_containers) {
    if (is_restartable_init(container)) add_ports(pod, container, out.port_mappings);
  }
  auto& linux = out.linux.emplace();
  linux.cgroup_parent = in.cgroup_parent;
  linux.security_context = sandbox_security(pod);
  if (pod.spec.security_context) {
    for (const auto& sysctl : pod.spec.security_context->sysctls)
      linux.sysctls[dotted_sysctl(sysctl.name)] = sysctl.value;
  }
  return out;
}

}  // namespace kpp::kubelet
