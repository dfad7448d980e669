#include <set>
#include <string>
#include <vector>

#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

// Addresses of a load balancer: each its IP or else its host name, sorted.
template <class Ingress>
std::vector<std::string> load_balancer_addresses(const std::vector<Ingress>& ingress) {
  std::set<std::string> out;
  for (const auto& i : ingress) {
    if (!i.ip.empty())
      out.insert(i.ip);
    else if (!i.hostname.empty())
      out.insert(i.hostname);
  }
  return {out.begin(), out.end()};
}

std::string external_ip(const corev1::Service& service) {
  const auto& spec = service.spec;
  if (spec.type == "ClusterIP" || spec.type == "NodePort")
    return spec.external_ips.empty() ? std::string(kNone) : join(spec.external_ips, ",");
  if (spec.type == "LoadBalancer") {
    auto addresses = load_balancer_addresses(service.status.load_balancer.ingress);
    addresses.insert(addresses.end(), spec.external_ips.begin(), spec.external_ips.end());
    return addresses.empty() ? "<pending>" : join(addresses, ",");
  }
  if (spec.type == "ExternalName") return spec.external_name;
  return std::string(kUnknown);
}

std::string ports_text(const std::vector<corev1::ServicePort>& ports) {
  std::string out;
  for (const auto& port : ports) {
    if (!out.empty()) out += ',';
    out += port.node_port > 0 ? cat(port.port, ':', port.node_port, '/', port.protocol)
                              : cat(port.port, '/', port.protocol);
  }
  return out;
}

constexpr std::size_t kShown = 3;  // items of a long list that a cell shows

// Collects the first items of a list and counts all.
struct ShortList {
  std::vector<std::string> shown;
  std::size_t count = 0;

  void add(std::string item) {
    if (count++ < kShown) shown.push_back(std::move(item));
  }
  std::string text() const { return with_more(shown, count, kShown); }
};

std::string host_port(const std::string& host, std::int32_t port) {
  return host.find(':') == std::string::npos ? cat(host, ':', port) : cat('[', host, "]:", port);
}

std::string hosts_text(const std::vector<networkingv1::IngressRule>& rules) {
  std::vector<std::string> hosts;
  bool more = false;
  for (const auto& rule : rules) {
    if (hosts.size() == kShown) more = true;
    if (!more && !rule.host.empty()) hosts.push_back(rule.host);
  }
  if (hosts.empty()) return "*";
  return with_more(hosts, more ? rules.size() : 0, kShown);
}

}  // namespace

void service_row(const corev1::Service& service, Row& row) {
  const auto& spec = service.spec;
  row.text(service.metadata.name)
      .text(spec.type)
      .text(spec.cluster_ips.empty() ? kNone : std::string_view(spec.cluster_ips.front()))
      .text(external_ip(service))
      .text_or(ports_text(spec.ports), kNone)
      .age(service.metadata)
      .text(format_labels(spec.selector));
}

void endpoints_row(const corev1::Endpoints& endpoints, Row& row) {
  ShortList list;
  for (const auto& subset : endpoints.subsets) {
    if (subset.ports.empty())
      for (const auto& address : subset.addresses) list.add(address.ip);
    for (const auto& port : subset.ports)
      for (const auto& address : subset.addresses) list.add(host_port(address.ip, port.port));
  }
  row.text(endpoints.metadata.name)
      .text(endpoints.subsets.empty() ? std::string(kNone) : list.text())
      .age(endpoints.metadata);
}

void endpoint_slice_row(const discoveryv1::EndpointSlice& slice, Row& row) {
  ShortList ports, addresses;
  for (const auto& port : slice.ports)
    ports.add(port.port ? cat(*port.port) : port.name.value_or("*"));
  for (const auto& endpoint : slice.endpoints)
    for (const auto& address : endpoint.addresses) addresses.add(address);
  row.text(slice.metadata.name)
      .text(slice.address_type)
      .text_or(ports.text(), kUnset)
      .text_or(addresses.text(), kUnset)
      .age(slice.metadata);
}

void ingress_row(const networkingv1::Ingress& ingress, Row& row) {
  row.text(ingress.metadata.name)
      .text(ingress.spec.ingress_class_name.value_or(std::string(kNone)))
      .text(hosts_text(ingress.spec.rules))
      .text(join(load_balancer_addresses(ingress.status.load_balancer.ingress), ","))
      .text(ingress.spec.tls.empty() ? "80" : "80, 443")
      .age(ingress.metadata);
}

void ingress_class_row(const networkingv1::IngressClass& ingress_class, Row& row) {
  std::string parameters(kNone);
  if (const auto* p = ingress_class.spec.parameters.get()) {
    parameters = p->kind;
    if (p->a_pi_group) parameters += cat('.', *p->a_pi_group);
    parameters += cat('/', p->name);
  }
  row.text(ingress_class.metadata.name)
      .text(ingress_class.spec.controller)
      .text(parameters)
      .age(ingress_class.metadata);
}

void ip_address_row(const networkingv1::IPAddress& address, Row& row) {
  std::string parent(kNone);
  if (const auto* p = address.spec.parent_ref.get()) {
    parent = lower(p->group.empty() ? p->resource : cat(p->resource, '.', p->group));
    if (!p->namespace_.empty()) parent += cat('/', p->namespace_);
    parent += cat('/', p->name);
  }
  // The original writes an age too, though its table has no column for it.
  row.text(address.metadata.name).text(parent).age(address.metadata);
}

void network_policy_row(const networkingv1::NetworkPolicy& policy, Row& row) {
  row.text(policy.metadata.name)
      .text(format_selector(policy.spec.pod_selector))
      .age(policy.metadata);
}

void service_cidr_row(const networkingv1::ServiceCIDR& cidr, Row& row) {
  row.text(cidr.metadata.name).text(join(cidr.spec.cidrs, ",")).age(cidr.metadata);
}

}  // namespace kpp::apiserver
