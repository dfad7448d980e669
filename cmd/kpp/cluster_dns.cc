#include "cluster_dns.h"

#include "api/corev1.h"
#include "api/discoveryv1.h"
#include "api/rbacv1.h"

namespace kpp::cmd {
namespace {

constexpr const char* kNamespace = "kube-system";
constexpr const char* kName = "kube-dns";

struct DnsPort {
  const char* name;
  const char* protocol;
};
constexpr DnsPort kPorts[] = {{"dns", "UDP"}, {"dns-tcp", "TCP"}};
constexpr int kPort = 53;

corev1::Service dns_service(const std::string& address) {
  corev1::Service out;
  out.metadata.namespace_ = kNamespace;
  out.metadata.name = kName;
  out.metadata.labels = {{"k8s-app", "kube-dns"},
                         {"kubernetes.io/cluster-service", "true"},
                         {"kubernetes.io/name", "CoreDNS"}};
  out.spec.cluster_ip = address;
  out.spec.cluster_ips = {address};
  for (const auto& row : kPorts) {
    corev1::ServicePort port;
    port.name = row.name;
    port.protocol = row.protocol;
    port.port = kPort;
    out.spec.ports.push_back(port);
  }
  return out;
}

discoveryv1::EndpointSlice dns_slice(const std::string& node_address) {
  discoveryv1::EndpointSlice out;
  out.metadata.namespace_ = kNamespace;
  out.metadata.name = kName;
  out.metadata.labels = {{"kubernetes.io/service-name", kName},
                         {"endpointslice.kubernetes.io/managed-by", "kpp"}};
  out.address_type = node_address.find(':') == std::string::npos ? "IPv4" : "IPv6";
  discoveryv1::Endpoint endpoint;
  endpoint.addresses = {node_address};
  endpoint.conditions.ready = true;
  out.endpoints.push_back(endpoint);
  for (const auto& row : kPorts) {
    discoveryv1::EndpointPort port;
    port.name = row.name;
    port.protocol = row.protocol;
    port.port = kPort;
    out.ports.push_back(port);
  }
  return out;
}

constexpr const char* kAccount = "coredns";
constexpr const char* kRole = "system:coredns";

rbacv1::ClusterRole dns_role() {
  rbacv1::ClusterRole out;
  out.metadata.name = kRole;
  const auto add = [&](std::string group, std::vector<std::string> resources) {
    auto& rule = out.rules.emplace_back();
    rule.api_groups = {std::move(group)};
    rule.resources = std::move(resources);
    rule.verbs = {"list", "watch"};
  };
  add("", {"endpoints", "services", "pods", "namespaces"});
  add("discovery.k8s.io", {"endpointslices"});
  return out;
}

rbacv1::ClusterRoleBinding dns_binding() {
  rbacv1::ClusterRoleBinding out;
  out.metadata.name = kRole;
  out.role_ref.api_group = "rbac.authorization.k8s.io";
  out.role_ref.kind = "ClusterRole";
  out.role_ref.name = kRole;
  auto& subject = out.subjects.emplace_back();
  subject.kind = "ServiceAccount";
  subject.name = kAccount;
  subject.namespace_ = kNamespace;
  return out;
}

corev1::ServiceAccount dns_account() {
  corev1::ServiceAccount out;
  out.metadata.namespace_ = kNamespace;
  out.metadata.name = kAccount;
  return out;
}

// One that exists already is left as it is.
template <class T>
async::Task<Status> ensure(client::Client& api, T object, async::StopToken stop) {
  auto made = co_await api.create(std::move(object), std::move(stop));
  if (made || made.error().is(Reason::kAlreadyExists)) co_return Status();
  co_return std::move(made).error().with_context("making what the name server needs");
}

}  // namespace

std::string dns_service_address(const std::string& service_cidr) {
  const std::string network = service_cidr.substr(0, service_cidr.find('/'));
  const auto dot = network.rfind('.');
  if (dot == std::string::npos) return cat(network, "a");
  return cat(network.substr(0, dot), ".", std::stoi(network.substr(dot + 1)) + 10);
}

async::Task<Status> ensure_dns_objects(client::Client& api, std::string service_address,
                                       std::string node_address, async::StopToken stop) {
  KPP_CO_RETURN_IF_ERROR(co_await ensure(api, dns_account(), stop));
  KPP_CO_RETURN_IF_ERROR(co_await ensure(api, dns_role(), stop));
  KPP_CO_RETURN_IF_ERROR(co_await ensure(api, dns_binding(), stop));
  auto service = co_await api.create(dns_service(service_address), stop);
  // One that is there holds its address, and so another is invalid before it is found to exist.
  if (!service && service.error().is(Reason::kInvalid))
    service = co_await api.get<corev1::Service>({kNamespace, kName}, stop);
  if (!service && !service.error().is(Reason::kAlreadyExists))
    co_return std::move(service).error().with_context("making the service kube-system/kube-dns");
  auto slice = co_await api.create(dns_slice(node_address), stop);
  if (slice) co_return Status();
  if (!slice.error().is(Reason::kAlreadyExists))
    co_return std::move(slice).error().with_context("making its endpoint slice");
  auto updated = co_await api.update(dns_slice(node_address), stop);
  if (!updated)
    co_return std::move(updated).error().with_context(
        "updating the endpoint slice kube-system/kube-dns");
  co_return Status();
}

Result<dns::DnsOptions> node_dns_options(const std::string& node_address,
                                         const std::string& resolv_conf) {
  dns::DnsOptions out;
  KPP_ASSIGN(out.blocks,
             dns::parse_corefile(cat(
                 ".:53 {\n  errors\n"
                 "  kubernetes cluster.local in-addr.arpa ip6.arpa {\n    pods insecure\n"
                 "    fallthrough in-addr.arpa ip6.arpa\n    ttl 30\n  }\n"
                 "  forward . ",
                 resolv_conf, " {\n    max_concurrent 1000\n  }\n  cache 30\n  loadbalance\n}\n")));
  out.bind_addresses = {node_address};
  return out;
}

}  // namespace kpp::cmd
