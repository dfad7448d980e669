// Keeps what the rules are made from, as Services and EndpointSlices come and go, and which
// services have changed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "api/corev1.h"
#include "api/discoveryv1.h"
#include "api/meta.h"
#include "proxy/rules/types.h"

namespace kpp::proxy {

// The ports of a service in one family; empty for services that need no rules (headless,
// ExternalName, served by another proxy).
std::map<ServicePortName, ServicePort> service_ports(const corev1::Service& service,
                                                     IpFamily family);

// Both families of all services.
//
// Guarantees: a change that makes no difference to the rules (labels, selectors) marks nothing as
// changed. Ownership: keeps the objects it was given. Runs on: its owner's executor.
class Model {
 public:
  explicit Model(std::string node_name) : node_name_(std::move(node_name)) {}

  void put_service(const corev1::Service& service);
  void remove_service(const api::ObjectKey& key);
  void put_slice(std::shared_ptr<const discoveryv1::EndpointSlice> slice);
  void remove_slice(const api::ObjectKey& key);

  const FamilyModel& family(IpFamily family) const { return side(family).model; }
  // The services ("namespace/name") that have changed since the last call, and starts anew.
  std::set<std::string> take_changes(IpFamily family);
  bool changed(IpFamily family) const { return !side(family).changed.empty(); }
  // The endpoints on this node of the service, whatever family; for health check ports.
  int local_endpoints(const std::string& service, IpFamily family) const;

 private:
  struct Side {
    FamilyModel model;
    std::set<std::string> changed;
  };
  using SliceRef = std::shared_ptr<const discoveryv1::EndpointSlice>;

  const Side& side(IpFamily family) const { return sides_[static_cast<std::size_t>(family)]; }
  Side& side(IpFamily family) { return sides_[static_cast<std::size_t>(family)]; }
  void replace_service(IpFamily family, const api::ObjectKey& key,
                       std::map<ServicePortName, ServicePort> ports);
  void rebuild_endpoints(IpFamily family, const api::ObjectKey& service);

  const std::string node_name_;
  Side sides_[2];
  std::map<api::ObjectKey, std::map<std::string, SliceRef>>
      slices_;  // by service, then by the slice's name
  std::map<api::ObjectKey, api::ObjectKey> service_of_slice_;
};

}  // namespace kpp::proxy
