#include "apiserver/allocators.h"

#include <arpa/inet.h>

#include <charconv>
#include <random>
#include <set>

#include "api/json_codec.h"
#include "apiserver/errors.h"

namespace kpp::apiserver {
namespace {

std::optional<std::uint32_t> parse_ip(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

std::string ip_text(std::uint32_t ip) {
  return cat(ip >> 24, ".", (ip >> 16) & 255, ".", (ip >> 8) & 255, ".", ip & 255);
}

bool needs_ip(const corev1::ServiceSpec& spec) { return spec.type != "ExternalName"; }
bool is_headless(const corev1::ServiceSpec& spec) { return spec.cluster_ip == "None"; }

bool needs_node_ports(const corev1::ServiceSpec& spec) {
  if (spec.type == "NodePort") return true;
  return spec.type == "LoadBalancer" && spec.allocate_load_balancer_node_ports.value_or(true);
}

bool needs_health_port(const corev1::ServiceSpec& spec) {
  return spec.type == "LoadBalancer" && spec.external_traffic_policy == "Local";
}

std::string owner_of(const corev1::Service& service) {
  return cat(service.metadata.namespace_, "/", service.metadata.name);
}

Status invalid(const corev1::Service& service, std::string field, std::string message) {
  StatusDetails details;
  details.name = service.metadata.name;
  details.kind = "Service";
  std::string text =
      cat("Service ", quoted(service.metadata.name), " is invalid: ", field, ": ", message);
  details.causes.push_back({"FieldValueInvalid", std::move(message), std::move(field)});
  return Status(Reason::kInvalid, std::move(text), std::move(details));
}

constexpr std::string_view kAddressTaken = "provided IP is already allocated";
constexpr std::string_view kPortTaken = "provided port is already allocated";

Status refused_address(const corev1::Service& service, std::string_view why) {
  return invalid(service, "spec.clusterIPs",
                 cat("Invalid value: [", quoted(service.spec.cluster_ip),
                     "]: failed to allocate IP ", service.spec.cluster_ip, ": ", why));
}

Status refused_port(const corev1::Service& service, std::size_t index, std::string_view why) {
  return invalid(service, cat("spec.ports[", index, "].nodePort"),
                 cat("Invalid value: ", service.spec.ports[index].node_port, ": ", why));
}

Status refused_health_port(const corev1::Service& service, std::string_view why) {
  return internal(cat("failed to allocate requested HealthCheck NodePort ",
                      service.spec.health_check_node_port, ": ", why));
}

// Numbers 0..size-1, each held by at most one owner. The lower ones are given out on request first
// of all: who asks for any number gets one above `reserved` while there is one.
class Numbers {
 public:
  Numbers(std::uint32_t size, std::uint32_t reserved) : size_(size), reserved_(reserved) {}

  // Whoever had it: what is stored is so.
  void assign(std::uint32_t number, const std::string& owner) {
    owners_.insert_or_assign(number, owner);
  }
  // False if it is held, by whomever.
  bool take(std::uint32_t number, const std::string& owner) {
    return owners_.try_emplace(number, owner).second;
  }
  bool holds(std::uint32_t number, const std::string& owner) const {
    const auto it = owners_.find(number);
    return it != owners_.end() && it->second == owner;
  }
  void free(std::uint32_t number, const std::string& owner) {
    if (holds(number, owner)) owners_.erase(number);
  }
  // nullopt: all are taken.
  std::optional<std::uint32_t> take_any(const std::string& owner) {
    for (const auto [low, high] : {std::pair(reserved_, size_), std::pair(0u, reserved_)}) {
      if (low >= high) continue;
      const std::uint32_t count = high - low;
      const std::uint32_t start =
          std::uniform_int_distribution<std::uint32_t>(0, count - 1)(random_);
      for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t number = low + (start + i) % count;
        if (owners_.try_emplace(number, owner).second) return number;
      }
    }
    return std::nullopt;
  }

 private:
  std::uint32_t size_, reserved_;
  std::map<std::uint32_t, std::string> owners_;
  std::mt19937 random_{std::random_device{}()};
};

std::set<std::int32_t> ports_of(const corev1::ServiceSpec& spec) {
  std::set<std::int32_t> out;
  for (const auto& port : spec.ports) {
    if (port.node_port != 0) out.insert(port.node_port);
  }
  if (spec.health_check_node_port != 0) out.insert(spec.health_check_node_port);
  return out;
}

}  // namespace

struct Allocators::Taking {
  Taking(std::string service, bool is_new) : owner(std::move(service)), had_some(!is_new) {}

  bool take(Numbers& from, std::set<std::uint32_t>& taken, std::uint32_t number) const {
    if (taken.contains(number) || (had_some && from.holds(number, owner))) return true;
    if (!from.take(number, owner)) return false;
    taken.insert(number);
    return true;
  }
  std::optional<std::uint32_t> take_any(Numbers& from, std::set<std::uint32_t>& taken) const {
    const auto number = from.take_any(owner);
    if (number) taken.insert(*number);
    return number;
  }
  void give_back(Numbers& to, const std::set<std::uint32_t>& taken) const {
    for (const auto number : taken) to.free(number, owner);
  }

  std::string owner;
  bool had_some;
  std::set<std::uint32_t> addresses, ports;
};

struct Allocators::Taken {
  Taken(std::uint32_t ips, std::uint32_t reserved_ips, std::uint32_t port_count,
        std::uint32_t reserved_ports)
      : addresses(ips, reserved_ips), ports(port_count, reserved_ports) {}

  Numbers addresses;  // less the range's first address and one: number 0 is the first that a
                      // service may have
  Numbers ports;      // less first_port
  std::uint32_t base = 0, size = 0;
  int first_port = 0, last_port = 0;
  bool loaded = false;

  std::optional<std::uint32_t> address_number(const std::string& text) const {
    const auto ip = parse_ip(text);
    if (!ip || *ip <= base || *ip - base >= size - 1) return std::nullopt;
    return *ip - base - 1;
  }
  bool port_in_range(std::int32_t port) const { return port >= first_port && port <= last_port; }
  std::uint32_t port_number(std::int32_t port) const {
    return static_cast<std::uint32_t>(port - first_port);
  }

  void hold(const corev1::Service& service) {
    const std::string owner = owner_of(service);
    for (const auto& text : service.spec.cluster_ips) {
      if (const auto number = address_number(text)) addresses.assign(*number, owner);
    }
    for (const auto port : ports_of(service.spec)) {
      if (port_in_range(port)) ports.assign(port_number(port), owner);
    }
  }
  // Gives back what `service` has and `kept` has not.
  void release(const corev1::Service& service, const corev1::Service* kept) {
    const std::string owner = owner_of(service);
    const std::set<std::string> kept_ips =
        kept == nullptr
            ? std::set<std::string>()
            : std::set<std::string>(kept->spec.cluster_ips.begin(), kept->spec.cluster_ips.end());
    const std::set<std::int32_t> kept_ports =
        kept == nullptr ? std::set<std::int32_t>() : ports_of(kept->spec);
    for (const auto& text : service.spec.cluster_ips) {
      const auto number = address_number(text);
      if (number && !kept_ips.contains(text)) addresses.free(*number, owner);
    }
    for (const auto port : ports_of(service.spec)) {
      if (port_in_range(port) && !kept_ports.contains(port)) ports.free(port_number(port), owner);
    }
  }
  void load(const WatchCache& cache, const ResourceTable& table) {
    if (loaded) return;
    loaded = true;
    const ServedResource* services = table.find("", "v1", "services");
    for (const auto& [key, object] : cache.cache(*services).objects()) {
      if (const auto service = api::parse_json<corev1::Service>(*object->json)) hold(*service);
    }
  }
  void apply(const CacheEvent& event) {
    if (!loaded) return;
    std::optional<corev1::Service> before, after;
    if (event.previous) {
      if (auto parsed = api::parse_json<corev1::Service>(*event.previous->json))
        before = std::move(*parsed);
    }
    if (event.object) {
      if (auto parsed = api::parse_json<corev1::Service>(*event.object->json))
        after = std::move(*parsed);
    }
    if (after) hold(*after);
    if (before) release(*before, after ? &*after : nullptr);
  }
};

Result<std::unique_ptr<Allocators>> Allocators::make(WatchCache& cache, const ResourceTable& table,
                                                     std::string_view service_cidr, int first_port,
                                                     int last_port) {
  const auto slash = service_cidr.find('/');
  const auto base = parse_ip(std::string(service_cidr.substr(0, slash)));
  int bits = -1;
  if (slash != std::string_view::npos) {
    const auto text = service_cidr.substr(slash + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
    if (error != std::errc() || end != text.data() + text.size()) bits = -1;
  }
  if (!base || bits < 8 || bits > 30) {
    return fail(Reason::kInvalid,
                cat("service range ", quoted(service_cidr), ": want an IPv4 network of /8 to /30"));
  }
  if (first_port < 1 || last_port > 65535 || first_port > last_port) {
    return fail(Reason::kInvalid, cat("node port range ", first_port, "-", last_port,
                                      ": want ports from 1 to 65535"));
  }
  std::unique_ptr<Allocators> out(new Allocators(cache, table));
  out->size_ = 1u << (32 - bits);
  out->base_ = *base & ~(out->size_ - 1);
  out->first_port_ = first_port;
  out->last_port_ = last_port;
  // The bands that are kept for explicit requests (KEP-3070, KEP-3668).
  const std::uint32_t usable = out->size_ - 2;
  const std::uint32_t reserved_ips = std::min(std::max(16u, out->size_ / 16), 256u);
  const auto ports = static_cast<std::uint32_t>(last_port - first_port + 1);
  const std::uint32_t reserved_ports = std::min(std::max(16u, ports / 32), 128u);
  out->taken_ = std::make_shared<Taken>(usable, std::min(reserved_ips, usable), ports,
                                        std::min(reserved_ports, ports));
  out->taken_->base = out->base_;
  out->taken_->size = out->size_;
  out->taken_->first_port = first_port;
  out->taken_->last_port = last_port;
  // The first address is the kubernetes service's, also before that exists.
  out->taken_->addresses.take(0, "default/kubernetes");
  if (const ServedResource* services = table.find("", "v1", "services"); services != nullptr) {
    cache.add_listener(*services,
                       [taken = out->taken_](const CacheEvent& event) { taken->apply(event); });
  }
  return out;
}

std::string Allocators::first_address() const { return ip_text(base_ + 1); }

Status Allocators::set_families(corev1::Service& service) const {
  auto& spec = service.spec;
  for (std::size_t i = 0; i < spec.ip_families.size(); ++i) {
    const bool free_choice = is_headless(spec) && spec.selector.empty();
    if (spec.ip_families[i] != "IPv4" && !free_choice) {
      return invalid(
          service, cat("spec.ipFamilies[", i, "]"),
          cat("Invalid value: ", quoted(spec.ip_families[i]), ": not configured on this cluster"));
    }
  }
  if (is_headless(spec) && spec.selector.empty()) {
    // Its endpoints are somebody else's and may be of any family.
    if (!spec.ip_family_policy)
      spec.ip_family_policy = spec.ip_families.size() == 1 ? "SingleStack" : "RequireDualStack";
    if (spec.ip_families.empty()) spec.ip_families.emplace_back("IPv4");
    if (spec.ip_families.size() == 1 && *spec.ip_family_policy != "SingleStack") {
      spec.ip_families.emplace_back(spec.ip_families[0] == "IPv4" ? "IPv6" : "IPv4");
    }
    return {};
  }
  if (spec.ip_family_policy == "RequireDualStack") {
    return invalid(service, "spec.ipFamilyPolicy",
                   "Invalid value: \"RequireDualStack\": this cluster is not configured for "
                   "dual-stack services");
  }
  if (!spec.ip_family_policy) spec.ip_family_policy = "SingleStack";
  if (spec.ip_families.empty()) spec.ip_families.emplace_back("IPv4");
  return {};
}

Status Allocators::allocate_address(corev1::Service& service, Taking& taking) {
  auto& spec = service.spec;
  if (is_headless(spec)) {
    spec.cluster_ips = {"None"};
    return {};
  }
  if (spec.cluster_ip.empty()) {
    const auto number = taking.take_any(taken_->addresses, taking.addresses);
    if (!number) return internal("failed to allocate a serviceIP: range is full");
    const std::string given = ip_text(base_ + 1 + *number);
    if (service.metadata.name.empty()) {
      // An address stands under its service's name.
      return invalid(
          service, "spec.clusterIPs",
          cat("Invalid value: [\"\"]: failed to allocate IP: IPAddress.networking.k8s.io ",
              quoted(given), " is invalid: spec.parentRef.name: Required value"));
    }
    spec.cluster_ip = given;
  } else {
    const auto number = taken_->address_number(spec.cluster_ip);
    if (!number)
      return refused_address(service, "the provided network does not match the current range");
    if (!taking.take(taken_->addresses, taking.addresses, *number))
      return refused_address(service, kAddressTaken);
  }
  if (spec.cluster_ips.empty()) spec.cluster_ips = {spec.cluster_ip};
  return {};
}

Status Allocators::take_port(std::int32_t port, Taking& taking) {
  if (!taken_->port_in_range(port)) {
    return Status(Reason::kInvalid,
                  cat("provided port is not in the valid range. The range of valid ports is ",
                      first_port_, "-", last_port_));
  }
  if (!taking.take(taken_->ports, taking.ports, taken_->port_number(port)))
    return Status(Reason::kInvalid, std::string(kPortTaken));
  return {};
}

Status Allocators::allocate_ports(corev1::Service& service, Taking& taking) {
  auto& spec = service.spec;
  if (needs_node_ports(spec)) {
    for (std::size_t i = 0; i < spec.ports.size(); ++i) {
      auto& port = spec.ports[i];
      // The same port under two protocols has one node port.
      for (const auto& other : spec.ports) {
        if (port.node_port == 0 && other.port == port.port && other.protocol != port.protocol)
          port.node_port = other.node_port;
      }
      if (port.node_port == 0) {
        const auto number = taking.take_any(taken_->ports, taking.ports);
        if (!number) return internal("failed to allocate a nodePort: range is full");
        port.node_port = first_port_ + static_cast<std::int32_t>(*number);
        continue;
      }
      const Status taken = take_port(port.node_port, taking);
      if (!taken.ok()) return refused_port(service, i, taken.message());
    }
  }
  if (!needs_health_port(spec)) return {};
  if (spec.health_check_node_port == 0) {
    const auto number = taking.take_any(taken_->ports, taking.ports);
    if (!number) return internal("failed to allocate a HealthCheck NodePort: range is full");
    spec.health_check_node_port = first_port_ + static_cast<std::int32_t>(*number);
    return {};
  }
  const Status taken = take_port(spec.health_check_node_port, taking);
  if (taken.ok()) return {};
  return refused_health_port(service, taken.message());
}

Status Allocators::allocate(corev1::Service& service, const corev1::Service* old) {
  if (!needs_ip(service.spec)) return {};
  taken_->load(cache_, table_);
  KPP_RETURN_IF_ERROR(set_families(service));
  Taking taking(owner_of(service), old == nullptr);
  Status done = allocate_address(service, taking);
  if (done.ok()) done = allocate_ports(service, taking);
  if (!done.ok()) {
    taking.give_back(taken_->addresses, taking.addresses);
    taking.give_back(taken_->ports, taking.ports);
  }
  return done;
}

Status Allocators::refusal(const corev1::Service& service, const corev1::ServiceSpec& asked,
                           std::string_view taken) const {
  corev1::Service named = service;
  named.spec = asked;
  if (asked.cluster_ip == taken) return refused_address(named, kAddressTaken);
  for (std::size_t i = 0; i < asked.ports.size(); ++i) {
    if (cat(asked.ports[i].node_port) == taken) return refused_port(named, i, kPortTaken);
  }
  if (cat(asked.health_check_node_port) == taken) return refused_health_port(named, kPortTaken);
  return internal(cat("failed to allocate ", taken, ": it is claimed by another service"));
}

void Allocators::forget(const corev1::Service& service, const corev1::Service* old) {
  // What the cache shows of a service of this name is that service's own.
  const ServedResource* services = table_.find("", "v1", "services");
  const CachedRef stored = services == nullptr
                               ? nullptr
                               : cache_.cache(*services).find(services->store_key(
                                     service.metadata.namespace_, service.metadata.name));
  if (!stored) {
    taken_->release(service, old);
    return;
  }
  const auto kept = api::parse_json<corev1::Service>(*stored->json);
  taken_->release(service, kept ? &*kept : old);
}

}  // namespace kpp::apiserver
