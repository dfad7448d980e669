// The plain data that rules are made from: service ports, endpoints, and what the node and the
// configuration say.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/cat.h"
#include "proxy/rules/address.h"

namespace kpp::proxy {

// One port of one service; the same port number may be served by two protocols.
struct ServicePortName {
  std::string namespace_;
  std::string name;
  std::string port;      // its name; may be empty
  std::string protocol;  // TCP, UDP, SCTP

  std::string service() const { return cat(namespace_, "/", name); }
  // "default/web:http", or "default/web" for a port without a name.
  std::string to_string() const { return port.empty() ? service() : cat(service(), ":", port); }
  friend auto operator<=>(const ServicePortName&, const ServicePortName&) = default;
};

// What one family of a service port answers to. Comparable: an equal value needs no new rules.
struct ServicePort {
  std::string cluster_ip;
  int port = 0;
  int node_port = 0;
  std::vector<std::string> external_ips;
  std::vector<std::string> load_balancer_ips;
  std::vector<std::string> source_ranges;  // in canonical form
  bool internal_local = false;             // internalTrafficPolicy: Local
  bool external_local = false;             // externalTrafficPolicy: Local, where it applies
  int affinity_seconds = 0;                // 0: no session affinity
  int health_check_node_port = 0;

  bool externally_accessible() const {
    return node_port != 0 || !load_balancer_ips.empty() || !external_ips.empty();
  }
  // With policy Local too, traffic from the node's own pods to an external address takes the
  // cluster's endpoints.
  bool uses_cluster_endpoints() const { return !internal_local || externally_accessible(); }
  bool uses_local_endpoints() const {
    return internal_local || (external_local && externally_accessible());
  }
  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

struct Endpoint {
  std::string ip;
  int port = 0;
  bool ready = true;
  bool serving = true;
  bool terminating = false;
  bool local = false;  // on the node that this proxy serves
  std::set<std::string> zone_hints;
  std::set<std::string> node_hints;

  // "10.44.0.1:80", "[fd00::1]:80".
  std::string to_string() const { return host_port(ip, port); }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// The services and endpoints of one IP family. Endpoints are sorted by their text.
struct FamilyModel {
  std::map<ServicePortName, ServicePort> services;
  std::map<ServicePortName, std::vector<Endpoint>> endpoints;

  const std::vector<Endpoint>& endpoints_of(const ServicePortName& name) const;
  // Of all known service ports; endpoints without a service do not count.
  int total_endpoints() const;
};

// What rules depend on beside services: the node and the configuration, for one family.
struct RuleOptions {
  IpFamily family = IpFamily::kIPv4;
  std::string node_name;
  std::string node_ip;  // of this family
  std::map<std::string, std::string> node_labels;
  std::vector<std::string> node_addresses;  // of this family, on all devices
  bool masquerade_all = false;
  int masquerade_bit = 14;
  bool localhost_node_ports = true;
  bool conntrack_be_liberal = false;
  // The kernel counts named objects (nfnetlink_acct) and the two that the rules name exist.
  bool accounting = false;
  bool random_fully = true;
  std::vector<std::string> node_port_cidrs;  // of this family; empty: all addresses
  std::string local_source;  // "-s 10.32.0.0/12", "-i cni0"; empty: pods are not told apart

  bool all_node_ports() const;       // node ports are served on every local address
  bool loopback_node_ports() const;  // on 127.0.0.1 too
};

}  // namespace kpp::proxy
