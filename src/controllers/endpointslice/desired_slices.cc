#include "controllers/endpointslice/desired_slices.h"

#include <algorithm>
#include <map>

#include "api/json_codec.h"
#include "api/meta.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

using discoveryv1::Endpoint;
using discoveryv1::EndpointSlice;

// Endpoints whose ports are the same share slices.
struct Group {
  std::string family;
  std::vector<discoveryv1::EndpointPort> ports;
  std::map<std::string, Endpoint> endpoints;  // by address
};

std::string port_key(const std::vector<discoveryv1::EndpointPort>& ports) {
  std::map<std::string, std::string> sorted;
  for (const auto& p : ports) {
    sorted[cat(p.name.value_or(""), "/", p.protocol.value_or("TCP"))] =
        cat(p.port.value_or(0), "/", p.app_protocol.value_or(""));
  }
  std::string out;
  for (const auto& [name, number] : sorted) out += cat(name, "=", number, ";");
  return out;
}

std::vector<discoveryv1::EndpointPort> ports_on(const corev1::Pod& pod,
                                                const corev1::Service& service) {
  std::vector<discoveryv1::EndpointPort> out;
  for (const auto& port : service.spec.ports) {
    const auto number = port_on(pod, port);
    if (!number) continue;
    auto& p = out.emplace_back();
    p.name = port.name;
    p.protocol = port.protocol.empty() ? "TCP" : port.protocol;
    p.port = *number;
    p.app_protocol = port.app_protocol;
  }
  return out;
}

Endpoint endpoint_of(const corev1::Pod& pod, const corev1::Service& service,
                     const std::string& address, const std::string& zone) {
  Endpoint out;
  out.addresses = {address};
  const bool serving = is_ready(pod);
  const bool terminating = pod.metadata.deletion_timestamp.has_value();
  out.conditions.ready = service.spec.publish_not_ready_addresses || (serving && !terminating);
  out.conditions.serving = serving;
  out.conditions.terminating = terminating;
  out.target_ref = target_reference(pod);
  if (!pod.spec.node_name.empty()) out.node_name = pod.spec.node_name;
  if (!zone.empty()) out.zone = zone;
  if (auto hostname = hostname_under(pod, service); !hostname.empty())
    out.hostname = std::move(hostname);
  return out;
}

std::map<std::string, std::string> labels_for(const corev1::Service& service) {
  auto labels = service.metadata.labels;
  labels.erase(kHeadlessLabel);
  if (is_headless(service)) labels[kHeadlessLabel] = "";
  labels[kServiceNameLabel] = service.metadata.name;
  labels[kManagedByLabel] = kSliceManager;
  return labels;
}

EndpointSlice empty_slice(const corev1::Service& service, const Group& group) {
  EndpointSlice out;
  out.metadata.generate_name = cat(service.metadata.name, "-");
  out.metadata.namespace_ = service.metadata.namespace_;
  out.metadata.labels = labels_for(service);
  out.metadata.owner_references = {
      api::controller_reference(corev1::Service::desc(), service.metadata)};
  out.address_type = group.family;
  out.ports = group.ports;
  return out;
}

// Brings one existing slice up to date with what is still wanted in it, which is taken out of
// `left`.
EndpointSlice refreshed(const EndpointSlice& slice, const corev1::Service& service,
                        std::map<std::string, Endpoint>& left) {
  EndpointSlice next = slice;
  next.endpoints.clear();
  for (const auto& old : slice.endpoints) {
    const auto it = old.addresses.empty() ? left.end() : left.find(old.addresses.front());
    if (it == left.end()) continue;
    it->second.hints = old.hints;
    next.endpoints.push_back(std::move(it->second));
    left.erase(it);
  }
  next.metadata.labels = labels_for(service);
  return next;
}

void place(Group& group, const corev1::Service& service, std::vector<const EndpointSlice*> existing,
           bool keep_one, SliceChanges& changes) {
  std::vector<std::pair<const EndpointSlice*, EndpointSlice>> slices;
  for (const auto* slice : existing)
    slices.emplace_back(slice, refreshed(*slice, service, group.endpoints));
  for (auto& [old, next] : slices) {
    while (!group.endpoints.empty() && next.endpoints.size() < kMaxEndpointsPerSlice) {
      next.endpoints.push_back(std::move(group.endpoints.begin()->second));
      group.endpoints.erase(group.endpoints.begin());
    }
  }
  bool any = false;
  while (!group.endpoints.empty()) {
    EndpointSlice fresh = empty_slice(service, group);
    while (!group.endpoints.empty() && fresh.endpoints.size() < kMaxEndpointsPerSlice) {
      fresh.endpoints.push_back(std::move(group.endpoints.begin()->second));
      group.endpoints.erase(group.endpoints.begin());
    }
    changes.create.push_back(std::move(fresh));
    any = true;
  }
  for (const auto& [old, next] : slices) any |= !next.endpoints.empty();
  for (auto& [old, next] : slices) {
    if (next.endpoints.empty() && (any || !keep_one)) {
      changes.remove.push_back(*old);
      continue;
    }
    keep_one = false;  // the rest of the empty ones go
    next.ports = group.ports;
    if (!api::equal(*old, next)) changes.update.push_back(std::move(next));
  }
  if (keep_one && !any && slices.empty()) changes.create.push_back(empty_slice(service, group));
}

}  // namespace

SliceChanges slice_changes(const corev1::Service& service,
                           const std::vector<std::shared_ptr<const corev1::Pod>>& pods,
                           const std::vector<std::shared_ptr<const EndpointSlice>>& existing,
                           const std::function<std::string(const std::string& node)>& zone_of) {
  SliceChanges changes;
  const auto families = families_of(service);
  for (const auto& family : families) {
    std::map<std::string, Group> groups;
    for (const auto& pod : pods) {
      if (!belongs_in_endpoints(*pod, true)) continue;
      const std::string address = address_of(*pod, family);
      if (address.empty()) continue;
      auto ports = ports_on(*pod, service);
      if (ports.empty() && !service.spec.ports.empty()) continue;
      const std::string key = port_key(ports);
      Group& group = groups[key];
      group.family = family;
      group.ports = std::move(ports);
      group.endpoints[address] = endpoint_of(*pod, service, address, zone_of(pod->spec.node_name));
    }
    const bool nothing = groups.empty();
    if (nothing) groups[""].family = family;
    std::map<std::string, std::vector<const EndpointSlice*>> by_ports;
    for (const auto& slice : existing) {
      if (slice->address_type == family)
        by_ports[nothing ? "" : port_key(slice->ports)].push_back(slice.get());
    }
    for (auto& [key, group] : groups) {
      place(group, service, by_ports[key], nothing, changes);
      by_ports.erase(key);
    }
    for (const auto& [key, stale] : by_ports) {
      for (const auto* slice : stale) changes.remove.push_back(*slice);
    }
  }
  for (const auto& slice : existing) {
    if (std::find(families.begin(), families.end(), slice->address_type) == families.end()) {
      changes.remove.push_back(*slice);
    }
  }
  return changes;
}

}  // namespace kpp::controllers
