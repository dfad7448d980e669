// Endpoints.
#include "api/json_codec.h"
#include "validation/addresses.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

void check_address(FieldErrors& errors, const FieldPath& at,
                   const corev1::EndpointAddress& address) {
  check_ip(errors, at.child("ip"), address.ip);
  if (!address.hostname.empty())
    check_dns1123_label(errors, at.child("hostname"), address.hostname);
  if (address.node_name) check_dns1123_subdomain(errors, at.child("nodeName"), *address.node_name);
  check_non_special_ip(errors, at.child("ip"), address.ip);
}

void check_port(FieldErrors& errors, const FieldPath& at, const corev1::EndpointPort& port,
                bool needs_name) {
  if (needs_name && port.name.empty()) {
    errors.required(at.child("name"));
  } else if (!port.name.empty()) {
    check_dns1123_label(errors, at.child("name"), port.name);
  }
  errors.invalid_each(at.child("port"), port.port, port_number(port.port));
  if (port.protocol.empty()) {
    errors.required(at.child("protocol"));
  } else if (port.protocol != "TCP" && port.protocol != "UDP" && port.protocol != "SCTP") {
    errors.not_supported(at.child("protocol"), port.protocol, {"SCTP", "TCP", "UDP"});
  }
  if (port.app_protocol)
    errors.invalid_each(at.child("appProtocol"), *port.app_protocol,
                        qualified_name(*port.app_protocol));
}

void check_subsets(FieldErrors& errors, const std::vector<corev1::EndpointSubset>& subsets) {
  for (std::size_t i = 0; i < subsets.size(); ++i) {
    const corev1::EndpointSubset& subset = subsets[i];
    const FieldPath here = FieldPath("subsets").index(i);
    if (subset.addresses.empty() && subset.not_ready_addresses.empty()) {
      errors.required(here, "must specify `addresses` or `notReadyAddresses`");
    }
    for (std::size_t k = 0; k < subset.addresses.size(); ++k) {
      check_address(errors, here.child("addresses").index(k), subset.addresses[k]);
    }
    for (std::size_t k = 0; k < subset.not_ready_addresses.size(); ++k) {
      check_address(errors, here.child("notReadyAddresses").index(k),
                    subset.not_ready_addresses[k]);
    }
    for (std::size_t k = 0; k < subset.ports.size(); ++k) {
      check_port(errors, here.child("ports").index(k), subset.ports[k], subset.ports.size() > 1);
    }
  }
}

// Objects written before the rules were what they are stay writable while their subsets do not
// change.
bool same_subsets(const corev1::Endpoints& a, const corev1::Endpoints& b) {
  if (a.subsets.size() != b.subsets.size()) return false;
  for (std::size_t i = 0; i < a.subsets.size(); ++i) {
    if (!api::equal(a.subsets[i], b.subsets[i])) return false;
  }
  return true;
}

}  // namespace

void validate(FieldErrors& errors, const corev1::Endpoints& endpoints, const Context&) {
  check_metadata(errors, endpoints.metadata, true, subdomain_name);
  check_subsets(errors, endpoints.subsets);
}

void validate_change(FieldErrors& errors, const corev1::Endpoints& endpoints,
                     const corev1::Endpoints& old, const Context&) {
  check_metadata_update(errors, endpoints.metadata, old.metadata);
  if (!same_subsets(endpoints, old)) check_subsets(errors, endpoints.subsets);
}

}  // namespace kpp::validation
