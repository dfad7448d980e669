#include "dns/cluster_zone.h"

#include <algorithm>

#include "base/cat.h"
#include "dns/message.h"

namespace kpp::dns {
namespace {

constexpr std::string_view kSchemaVersion = "1.1.0";
constexpr std::uint32_t kVersionTtl = 28800;
constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

bool in_zone(std::string_view folded, std::string_view zone) {
  if (zone.empty() || folded == zone) return true;
  return folded.size() > zone.size() && folded.ends_with(zone) &&
         folded[folded.size() - zone.size() - 1] == '.';
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  if (text.empty()) return out;
  for (std::size_t at = 0;;) {
    const std::size_t dot = text.find('.', at);
    out.push_back(text.substr(at, dot - at));
    if (dot == std::string_view::npos) return out;
    at = dot + 1;
  }
}

std::uint16_t type_of(std::string_view address) { return address.size() == 4 ? kA : kAaaa; }

bool is_headless(const corev1::Service& service) {
  return service.spec.type != "ExternalName" && service.spec.cluster_ip == "None";
}

// 10.0.0.1 as 10-0-0-1, fd00::1 as fd00--1.
std::string dashed(std::string address) {
  for (char& c : address) {
    if (c == '.' || c == ':') c = '-';
  }
  return address;
}

}  // namespace

ClusterZone::ClusterZone(ZoneOptions options) : options_(std::move(options)) {}

void ClusterZone::index(const std::string& address, const std::string& owner, bool add) {
  if (add) {
    by_address_.emplace(address, owner);
    return;
  }
  const auto [begin, end] = by_address_.equal_range(address);
  const auto it =
      std::find_if(begin, end, [&](const auto& entry) { return entry.second == owner; });
  if (it != end) by_address_.erase(it);
}

void ClusterZone::index_addresses(const std::string& service,
                                  const std::vector<std::string>& addresses, bool add) {
  for (const auto& address : addresses) index(address, service, add);
}

void ClusterZone::index_endpoints(const Slice& slice, bool add) {
  for (const auto& endpoint : slice.endpoints)
    index(endpoint.address, cat(endpoint.label, ".", slice.service), add);
}

void ClusterZone::set_service(const api::ObjectKey& key, const ServiceRef& service) {
  const std::string id = cat(key.name, ".", key.namespace_);
  auto& entry = services_[id];
  index_addresses(id, entry.addresses, false);
  entry.exists = service != nullptr;
  entry.headless = false;
  entry.external_name.clear();
  entry.addresses.clear();
  entry.ports.clear();
  if (service) {
    entry.headless = is_headless(*service);
    if (service->spec.type == "ExternalName") {
      entry.external_name = service->spec.external_name;
      if (entry.external_name.ends_with('.')) entry.external_name.pop_back();
    } else if (!entry.headless) {
      auto addresses = service->spec.cluster_ips;
      if (addresses.empty() && !service->spec.cluster_ip.empty())
        addresses.push_back(service->spec.cluster_ip);
      for (const auto& text : addresses) {
        if (auto bytes = address_bytes(text); !bytes.empty())
          entry.addresses.push_back(std::move(bytes));
      }
    }
    for (const auto& port : service->spec.ports) {
      entry.ports.push_back(
          {port.name, fold(port.protocol), static_cast<std::uint16_t>(port.port)});
    }
    index_addresses(id, entry.addresses, true);
  }
  if (entry.empty()) services_.erase(id);
}

void ClusterZone::set_slice(const api::ObjectKey& key, const SliceRef& slice) {
  if (const auto known = slice_owner_.find(key); known != slice_owner_.end()) {
    const auto entry = services_.find(known->second);
    const auto old = entry->second.slices.find(key.name);
    index_endpoints(old->second, false);
    entry->second.slices.erase(old);
    if (entry->second.empty()) services_.erase(entry);
    slice_owner_.erase(known);
  }
  if (!slice || slice->address_type == "FQDN") return;
  const auto owner = slice->metadata.labels.find(std::string(kServiceNameLabel));
  if (owner == slice->metadata.labels.end()) return;
  Slice entry;
  entry.service = cat(owner->second, ".", key.namespace_);
  for (const auto& endpoint : slice->endpoints) {
    if (!endpoint.conditions.ready.value_or(true)) continue;
    for (const auto& text : endpoint.addresses) {
      auto bytes = address_bytes(text);
      if (bytes.empty()) continue;
      const bool named = endpoint.hostname && !endpoint.hostname->empty();
      entry.endpoints.push_back({named ? *endpoint.hostname : dashed(text), std::move(bytes)});
    }
  }
  for (const auto& port : slice->ports) {
    entry.ports.push_back({port.name.value_or(""), fold(port.protocol.value_or("TCP")),
                           static_cast<std::uint16_t>(port.port.value_or(0))});
  }
  index_endpoints(entry, true);
  slice_owner_[key] = entry.service;
  auto& slices = services_[entry.service].slices;
  slices[key.name] = std::move(entry);
}

bool ClusterZone::holds(std::string_view folded) const {
  if (in_zone(folded, options_.domain)) return true;
  return std::any_of(options_.reverse_zones.begin(), options_.reverse_zones.end(),
                     [&](const auto& zone) { return in_zone(folded, zone); });
}

Record ClusterZone::soa(std::string_view zone) const {
  // The serial is constant: nobody transfers this zone, and its negative answers may be kept for
  // one TTL only.
  return {
      std::string(zone), kSoa, options_.ttl,
      SoaData{cat("ns.dns.", zone), cat("hostmaster.", zone), 1, 7200, 1800, 86400, options_.ttl}};
}

ClusterZone::Found ClusterZone::no_data(std::string_view zone) const {
  Found found;
  found.answer.authoritative = true;
  found.answer.authority.push_back(soa(zone));
  return found;
}

ClusterZone::Found ClusterZone::unknown(std::string_view folded, std::string_view zone) const {
  const bool others = std::any_of(options_.fallthrough.begin(), options_.fallthrough.end(),
                                  [&](const auto& suffix) { return in_zone(folded, suffix); });
  Found found = no_data(zone);
  if (others) {
    found.kind = Found::Kind::kFallthrough;
  } else {
    found.answer.rcode = Rcode::kNxDomain;
  }
  return found;
}

ClusterZone::Found ClusterZone::lookup(std::string_view name, std::string_view folded,
                                       std::uint16_t type) const {
  if (!in_zone(folded, options_.domain)) return reverse(name, folded, type);
  const std::size_t rest = folded.size() - options_.domain.size();
  return below_domain(name, folded, folded.substr(0, rest == 0 ? 0 : rest - 1), type);
}

ClusterZone::Found ClusterZone::below_domain(std::string_view name, std::string_view folded,
                                             std::string_view rest, std::uint16_t type) const {
  const std::string_view zone = options_.domain;
  Found found;
  found.answer.authoritative = true;
  if (rest.empty()) {
    if (type == kSoa) {
      found.answer.answers.push_back(soa(zone));
    } else if (type == kNs) {
      found.answer.answers.push_back(
          {std::string(name), kNs, options_.ttl, NameData{cat("ns.dns.", zone)}});
    } else {
      return no_data(zone);
    }
    return found;
  }
  if (rest == "dns-version") {
    if (type != kTxt) return no_data(zone);
    found.answer.answers.push_back(
        {std::string(name), kTxt, kVersionTtl, TextData{std::string(kSchemaVersion)}});
    return found;
  }
  auto labels = split(rest);
  const std::string_view kind = labels.back();
  labels.pop_back();
  if (kind == "svc") {
    if (labels.size() <= 1) return no_data(zone);  // svc, <namespace>.svc: there are names below
    found = of_service(name, std::move(labels), type);
  } else if (kind == "pod") {
    if (labels.size() <= 1) return no_data(zone);
    found = of_pod(name, labels, type);
  } else {
    return unknown(folded, zone);
  }
  if (found.answer.rcode == Rcode::kNxDomain) return unknown(folded, zone);
  return found;
}

std::vector<ClusterZone::Target> ClusterZone::targets(const Service& service, const Filter& filter,
                                                      const std::string& host) const {
  std::vector<Target> out;
  if (service.headless || !filter.endpoint.empty()) {
    for (const auto& [name, slice] : service.slices) {
      for (const auto& endpoint : slice.endpoints) {
        if (!filter.endpoint.empty() && filter.endpoint != endpoint.label) continue;
        const std::string target = cat(endpoint.label, ".", host);
        for (const auto& port : slice.ports) {
          if (filter.matches(port)) out.push_back({endpoint.address, target, port.port});
        }
        if (slice.ports.empty() && filter.port.empty())
          out.push_back({endpoint.address, target, 0});
      }
    }
    return out;
  }
  for (const auto& address : service.addresses) {
    for (const auto& port : service.ports) {
      if (filter.matches(port)) out.push_back({address, host, port.port});
    }
    if (service.ports.empty() && filter.port.empty()) out.push_back({address, host, 0});
  }
  return out;
}

void ClusterZone::append(Answer& answer, std::string_view name, std::uint16_t type,
                         const std::vector<Target>& targets) const {
  const auto weight = static_cast<std::uint16_t>(
      std::max<std::size_t>(1, 100 / std::max<std::size_t>(1, targets.size())));
  std::vector<std::pair<std::string_view, std::string_view>> seen;  // (target, address)
  for (const auto& target : targets) {
    if (type == kSrv && target.port != 0) {
      const bool twice =
          std::any_of(answer.answers.begin(), answer.answers.end(), [&](const Record& r) {
            const auto& srv = std::get<SrvData>(r.data);
            return srv.port == target.port && srv.target == target.name;
          });
      if (!twice) {
        answer.answers.push_back(
            {std::string(name), kSrv, options_.ttl, SrvData{0, weight, target.port, target.name}});
      }
    }
    if (type != kSrv && type != type_of(target.address)) continue;
    const std::pair<std::string_view, std::string_view> pair{
        type == kSrv ? target.name : std::string_view(), target.address};
    if (std::find(seen.begin(), seen.end(), pair) != seen.end()) continue;
    seen.push_back(pair);
    auto& section = type == kSrv ? answer.additional : answer.answers;
    section.push_back({type == kSrv ? target.name : std::string(name), type_of(target.address),
                       options_.ttl, AddressData{std::string(target.address)}});
  }
}

// labels: [endpoint | _port, _protocol,] service, namespace.
ClusterZone::Found ClusterZone::of_service(std::string_view name,
                                           std::vector<std::string_view> labels,
                                           std::uint16_t type) const {
  Found found;
  found.answer.authoritative = true;
  const std::string key = cat(labels[labels.size() - 2], ".", labels.back());
  labels.resize(labels.size() - 2);
  Filter filter;
  bool exists = labels.size() <= 2;
  if (labels.size() == 1) {
    filter.endpoint = labels[0];
  } else if (labels.size() == 2) {
    exists =
        labels[0].size() > 1 && labels[0][0] == '_' && labels[1].size() > 1 && labels[1][0] == '_';
    if (exists) {
      filter.port = labels[0].substr(1);
      filter.protocol = labels[1].substr(1);
    }
  }
  const auto it = exists ? services_.find(key) : services_.end();
  if (it == services_.end() || !it->second.exists) {
    found.answer.rcode = Rcode::kNxDomain;
    return found;
  }
  const Service& service = it->second;
  if (!service.external_name.empty()) {
    if (!labels.empty()) {
      found.answer.rcode = Rcode::kNxDomain;
      return found;
    }
    found.answer.answers.push_back(
        {std::string(name), kCname, options_.ttl, NameData{service.external_name}});
    if (type == kA || type == kAaaa) {
      found.kind = Found::Kind::kAlias;
      found.alias = service.external_name;
    }
    return found;
  }
  const auto all = targets(service, filter, cat(key, ".svc.", options_.domain));
  if (all.empty()) {
    found.answer.rcode = Rcode::kNxDomain;
    return found;
  }
  append(found.answer, name, type, all);
  if (found.answer.answers.empty()) return no_data(options_.domain);
  return found;
}

// labels: address with dashes, namespace.
ClusterZone::Found ClusterZone::of_pod(std::string_view name,
                                       const std::vector<std::string_view>& labels,
                                       std::uint16_t type) const {
  Found found;
  found.answer.authoritative = true;
  found.answer.rcode = Rcode::kNxDomain;
  if (options_.pods == ZoneOptions::Pods::kDisabled || labels.size() != 2) return found;
  std::string text(labels[0]);
  const bool v4 =
      std::count(text.begin(), text.end(), '-') == 3 && text.find("--") == std::string::npos;
  std::replace(text.begin(), text.end(), '-', v4 ? '.' : ':');
  const std::string address = address_bytes(text);
  if (address.empty()) return found;
  if (type != type_of(address)) return no_data(options_.domain);
  found.answer.rcode = Rcode::kNoError;
  found.answer.answers.push_back({std::string(name), type, options_.ttl, AddressData{address}});
  return found;
}

ClusterZone::Found ClusterZone::reverse(std::string_view name, std::string_view folded,
                                        std::uint16_t type) const {
  const auto zone = std::find_if(options_.reverse_zones.begin(), options_.reverse_zones.end(),
                                 [&](const auto& z) { return in_zone(folded, z); });
  const std::string address = reverse_address(folded);
  Found found;
  found.answer.authoritative = true;
  if (!address.empty()) {
    const auto [begin, end] = by_address_.equal_range(address);
    for (auto it = begin; it != end; ++it) {
      found.answer.answers.push_back({std::string(name), kPtr, options_.ttl,
                                      NameData{cat(it->second, ".svc.", options_.domain)}});
    }
  }
  if (found.answer.answers.empty()) return unknown(folded, *zone);
  if (type != kPtr) return no_data(*zone);
  return found;
}

}  // namespace kpp::dns
