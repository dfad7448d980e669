#include "kubelet/container/field_path.h"

#include <algorithm>

namespace kpp::kubelet {
namespace {

// key="value" lines in the order of keys.
std::string map_lines(const std::map<std::string, std::string>& map) {
  std::string out;
  for (const auto& [key, value] : map) {
    if (!out.empty()) out += '\n';
    out += cat(key, "=", quoted(value));
  }
  return out;
}

// What stands between [' and '] after the prefix.
std::optional<std::string> subscript(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix) || !path.ends_with("']")) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (!path.starts_with("['")) return std::nullopt;
  return std::string(path.substr(2, path.size() - 4));
}

std::string entry(const std::map<std::string, std::string>& map, const std::string& key) {
  const auto it = map.find(key);
  return it == map.end() ? std::string() : it->second;
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return b <= 0 ? a : (a + b - 1) / b; }

}  // namespace

Result<std::string> pod_field(const corev1::Pod& pod, std::string_view path,
                              const PodFacts& facts) {
  const auto& meta = pod.metadata;
  if (path == "metadata.name") return meta.name;
  if (path == "metadata.namespace") return meta.namespace_;
  if (path == "metadata.uid") return meta.uid;
  if (path == "metadata.labels") return map_lines(meta.labels);
  if (path == "metadata.annotations") {
    auto annotations = meta.annotations;
    if (!facts.seen.empty()) {
      annotations["kubernetes.io/config.seen"] = facts.seen;
      annotations["kubernetes.io/config.source"] = "api";
    }
    return map_lines(annotations);
  }
  if (const auto key = subscript(path, "metadata.labels")) return entry(meta.labels, *key);
  if (const auto key = subscript(path, "metadata.annotations"))
    return entry(meta.annotations, *key);
  if (path == "spec.nodeName") return pod.spec.node_name;
  if (path == "spec.serviceAccountName") return pod.spec.service_account_name;
  if (path == "spec.restartPolicy") return pod.spec.restart_policy;
  if (path == "status.hostIP")
    return facts.host_ips.empty() ? std::string() : facts.host_ips.front();
  if (path == "status.hostIPs") return join(facts.host_ips, ",");
  if (path == "status.podIP") return facts.pod_ips.empty() ? std::string() : facts.pod_ips.front();
  if (path == "status.podIPs") return join(facts.pod_ips, ",");
  return fail(Reason::kInvalid, cat("unsupported fieldPath: ", path));
}

Result<std::string> container_resource(const corev1::Pod& pod,
                                       const corev1::ResourceFieldSelector& selector,
                                       const std::string& container, const PodFacts& facts) {
  const std::string& name = selector.container_name.empty() ? container : selector.container_name;
  const corev1::Container* found = nullptr;
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
    for (const auto& c : *list) {
      if (c.name == name) found = &c;
    }
  }
  if (found == nullptr) return fail(Reason::kNotFound, cat("container ", name, " not found"));

  const std::size_t dot = selector.resource.find('.');
  const std::string side = selector.resource.substr(0, dot);
  const std::string resource =
      dot == std::string::npos ? std::string() : selector.resource.substr(dot + 1);
  if (side != "limits" && side != "requests") {
    return fail(Reason::kInvalid, cat("unsupported container resource : ", selector.resource));
  }
  const ResourceList& list = side == "limits" ? found->resources.limits : found->resources.requests;
  api::Quantity amount;
  if (const auto it = list.find(resource); it != list.end()) amount = it->second;
  if (side == "limits" && quantity_is_zero(amount)) {
    if (const auto it = facts.node_allocatable.find(resource); it != facts.node_allocatable.end())
      amount = it->second;
  }
  const bool no_divisor = selector.divisor.text.empty() || quantity_is_zero(selector.divisor);
  const api::Quantity divisor = no_divisor ? api::Quantity("1") : selector.divisor;
  if (resource == "cpu") return cat(ceil_div(quantity_milli(amount), quantity_milli(divisor)));
  return cat(ceil_div(quantity_value(amount), quantity_value(divisor)));
}

PodHostname pod_hostname(const corev1::Pod& pod, std::string_view cluster_domain) {
  constexpr std::size_t kMaxHostname = 63;
  PodHostname out;
  if (pod.spec.hostname_override && !pod.spec.hostname_override->empty()) {
    out.hostname = *pod.spec.hostname_override;
    return out;
  }
  out.hostname = pod.spec.hostname.empty() ? pod.metadata.name : pod.spec.hostname;
  if (out.hostname.size() > kMaxHostname) {
    out.hostname.resize(kMaxHostname);
    while (!out.hostname.empty() && (out.hostname.back() == '-' || out.hostname.back() == '.'))
      out.hostname.pop_back();
  }
  if (!pod.spec.subdomain.empty()) {
    out.domain = cat(pod.spec.subdomain, ".", pod.metadata.namespace_, ".svc.", cluster_domain);
  }
  return out;
}

std::string pod_text(const corev1::Pod& pod) {
  return cat(pod.metadata.name, "_", pod.metadata.namespace_, "(", pod.metadata.uid, ")");
}

}  // namespace kpp::kubelet
