// EndpointSlices.
#include <set>

#include "validation/addresses.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

constexpr std::size_t kMostEndpoints = 1000;
constexpr std::size_t kMostAddresses = 100;
constexpr std::size_t kMostPorts = 20000;

void check_address(FieldErrors& errors, const FieldPath& at, const FieldPath& all,
                   const std::string& type, const std::string& address) {
  if (type == "FQDN") {
    errors.invalid_each(at, address, fully_qualified_domain_labels(address));
    return;
  }
  const std::optional<Ip> ip = parse_ip(address);
  if (!ip) return check_ip(errors, at, address);
  check_ip(errors, at, address);
  if (type == "IPv4" && ip->v6) errors.invalid(all, address, "must be an IPv4 address");
  if (type == "IPv6" && !ip->v6) errors.invalid(all, address, "must be an IPv6 address");
  check_non_special_ip(errors, at, address);
}

void check_hints(FieldErrors& errors, const FieldPath& at,
                 const discoveryv1::EndpointHints& hints) {
  const FieldPath zones = at.child("forZones");
  if (hints.for_zones.size() > 8) errors.too_many(zones, hints.for_zones.size(), 8);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < hints.for_zones.size(); ++i) {
    const std::string& name = hints.for_zones[i].name;
    if (!seen.insert(name).second) {
      errors.duplicate(zones.index(i).child("name"), name);
    }
    errors.invalid_each(zones.index(i).child("name"), name, label_value(name));
  }
  const FieldPath nodes = at.child("forNodes");
  if (hints.for_nodes.size() > 8) errors.too_many(nodes, hints.for_nodes.size(), 8);
  for (std::size_t i = 0; i < hints.for_nodes.size(); ++i) {
    check_dns1123_subdomain(errors, nodes.index(i).child("name"), hints.for_nodes[i].name);
  }
}

void check_endpoint(FieldErrors& errors, const FieldPath& at, const std::string& type,
                    const discoveryv1::Endpoint& endpoint) {
  const FieldPath addresses = at.child("addresses");
  if (endpoint.addresses.empty()) {
    errors.required(addresses, "must contain at least 1 address");
  } else if (endpoint.addresses.size() > kMostAddresses) {
    errors.too_many(addresses, endpoint.addresses.size(), kMostAddresses);
  }
  for (std::size_t i = 0; i < endpoint.addresses.size(); ++i) {
    check_address(errors, addresses.index(i), addresses, type, endpoint.addresses[i]);
  }
  if (endpoint.node_name)
    check_dns1123_subdomain(errors, at.child("nodeName"), *endpoint.node_name);
  const FieldPath topology = at.child("deprecatedTopology");
  if (endpoint.deprecated_topology.size() > 16)
    errors.too_many(topology, endpoint.deprecated_topology.size(), 16);
  check_labels(errors, topology, endpoint.deprecated_topology);
  if (endpoint.hostname) check_dns1123_label(errors, at.child("hostname"), *endpoint.hostname);
  if (endpoint.hints) check_hints(errors, at.child("hints"), *endpoint.hints);
}

void check_ports(FieldErrors& errors, const FieldPath& at,
                 const std::vector<discoveryv1::EndpointPort>& ports) {
  if (ports.size() > kMostPorts) return errors.too_many(at, ports.size(), kMostPorts);
  std::set<std::string> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const discoveryv1::EndpointPort& port = ports[i];
    const FieldPath here = at.index(i);
    const std::string name = port.name.value_or("");
    if (!name.empty()) check_dns1123_label(errors, here.child("name"), name);
    if (!names.insert(name).second) errors.duplicate(here.child("name"), name);
    if (!port.protocol) {
      errors.required(here.child("protocol"));
    } else if (*port.protocol != "TCP" && *port.protocol != "UDP" && *port.protocol != "SCTP") {
      errors.not_supported(here.child("protocol"), *port.protocol, {"SCTP", "TCP", "UDP"});
    }
    if (port.app_protocol) {
      errors.invalid_each(here.child("appProtocol"), *port.app_protocol,
                          qualified_name(*port.app_protocol));
    }
  }
}

void check_slice(FieldErrors& errors, const discoveryv1::EndpointSlice& slice) {
  if (slice.address_type.empty()) {
    errors.required(FieldPath("addressType"));
  } else if (slice.address_type != "IPv4" && slice.address_type != "IPv6" &&
             slice.address_type != "FQDN") {
    errors.not_supported(FieldPath("addressType"), slice.address_type, {"FQDN", "IPv4", "IPv6"});
  }
  const FieldPath endpoints("endpoints");
  if (slice.endpoints.size() > kMostEndpoints) {
    errors.too_many(endpoints, slice.endpoints.size(), kMostEndpoints);
  } else {
    for (std::size_t i = 0; i < slice.endpoints.size(); ++i) {
      check_endpoint(errors, endpoints.index(i), slice.address_type, slice.endpoints[i]);
    }
  }
  check_ports(errors, FieldPath("ports"), slice.ports);
}

}  // namespace

void validate(FieldErrors& errors, const discoveryv1::EndpointSlice& slice, const Context&) {
  check_metadata(errors, slice.metadata, true, subdomain_name);
  check_slice(errors, slice);
}

void validate_change(FieldErrors& errors, const discoveryv1::EndpointSlice& slice,
                     const discoveryv1::EndpointSlice& old, const Context& context) {
  validate(errors, slice, context);
  check_metadata_update(errors, slice.metadata, old.metadata);
  check_immutable(errors, FieldPath("addressType"), slice.address_type, old.address_type);
}

}  // namespace kpp::validation
