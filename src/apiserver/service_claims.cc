#include "apiserver/service_claims.h"

#include <algorithm>

#include "api/json_codec.h"
#include "api/networkingv1.h"
#include "apiserver/own_objects.h"
#include "apiserver/stored_object.h"

namespace kpp::apiserver {
namespace {

constexpr int kTries = 10;
constexpr int kIdleRounds = 3;
constexpr std::string_view kManagedBy = "ipaddress.kubernetes.io/managed-by";
constexpr std::string_view kManager = "ipallocator.k8s.io";

std::set<std::string> addresses_of(const corev1::Service* service) {
  std::set<std::string> out;
  if (service == nullptr) return out;
  for (const auto& address : service->spec.cluster_ips) {
    if (!address.empty() && address != "None") out.insert(address);
  }
  return out;
}

std::set<std::int32_t> ports_of(const corev1::Service* service) {
  std::set<std::int32_t> out;
  if (service == nullptr) return out;
  for (const auto& port : service->spec.ports) out.insert(port.node_port);
  out.insert(service->spec.health_check_node_port);
  out.erase(0);
  return out;
}

template <class T>
std::set<T> less(const std::set<T>& all, const std::set<T>& without) {
  std::set<T> out;
  std::ranges::set_difference(all, without, std::inserter(out, out.end()));
  return out;
}

networkingv1::IPAddress address_object(const corev1::Service& service, const std::string& address) {
  networkingv1::IPAddress out;
  const bool v6 = address.find(':') != std::string::npos;
  out.metadata.name = address;
  out.metadata.labels = {{"ipaddress.kubernetes.io/ip-family", v6 ? "IPv6" : "IPv4"},
                         {std::string(kManagedBy), std::string(kManager)}};
  auto& parent = out.spec.parent_ref.emplace();
  parent.resource = "services";
  parent.namespace_ = service.metadata.namespace_;
  parent.name = service.metadata.name;
  return out;
}

std::string owner_of(const corev1::Service& service) {
  return cat(service.metadata.namespace_, "/", service.metadata.name);
}

// The service that an address is kept for; empty: it is kept by somebody else's hand.
std::string owner_of(const networkingv1::IPAddress& address) {
  const auto manager = address.metadata.labels.find(std::string(kManagedBy));
  if (manager == address.metadata.labels.end() || manager->second != kManager) return "";
  if (!address.spec.parent_ref || address.spec.parent_ref->resource != "services") return "";
  return cat(address.spec.parent_ref->namespace_, "/", address.spec.parent_ref->name);
}

template <class T>
Status claimed(const T& what) {
  StatusDetails details;
  details.name = cat(what);
  return Status(Reason::kAlreadyExists, cat(what, " is claimed"), std::move(details));
}

template <class F>
void each_service(const Core& core, F call) {
  const ServedResource& services = *core.table.find("", "v1", "services");
  for (const auto& [key, object] : core.cache.cache(services).objects()) {
    if (const auto service = api::parse_json<corev1::Service>(*object->json)) call(*service);
  }
}

const ServedResource& address_resource(const Core& core) {
  return *core.table.find("networking.k8s.io", "v1", "ipaddresses");
}

}  // namespace

ServiceClaims::Held ServiceClaims::held(const corev1::Service& service,
                                        const corev1::Service* without) {
  return {less(addresses_of(&service), addresses_of(without)),
          less(ports_of(&service), ports_of(without))};
}

async::Task<Status> ServiceClaims::claim_address(const corev1::Service& service,
                                                 std::string address, async::StopToken stop) {
  KPP_CO_ASSIGN(auto write, write_of(core_, api::Object::of(address_object(service, address)),
                                     IfThere::kLeave));
  if (!write) co_return co_await take_over(service, std::move(address), std::move(stop));
  const auto done = co_await core_.store.write(std::move(*write), std::move(stop));
  if (!done && done.error().is(Reason::kAlreadyExists)) co_return claimed(address);
  co_return done ? Status() : done.error();
}

async::Task<Status> ServiceClaims::take_over(const corev1::Service& service, std::string address,
                                             async::StopToken stop) {
  const ServedResource& resource = address_resource(core_);
  const ServedResource& services = *core_.table.find("", "v1", "services");
  const std::string key = resource.store_key("", address);
  const CachedRef there = core_.cache.cache(resource).find(key);
  if (!there) co_return claimed(address);
  const auto object = api::parse_json<networkingv1::IPAddress>(*there->json);
  if (!object || owner_of(*object) != owner_of(service)) co_return claimed(address);
  const auto owner = co_await core_.store.get(
      services.store_key(service.metadata.namespace_, service.metadata.name), stop);
  if (!owner) co_return owner.error();
  if (*owner) co_return claimed(address);
  // The same again: of two that find it so, one is told that it changed.
  const auto done =
      co_await core_.store.write({.key = key,
                                  .value = std::make_shared<const std::string>(*there->json),
                                  .expected_revision = there->revision},
                                 std::move(stop));
  if (done) co_return Status();
  const bool slower = done.error().is(Reason::kConflict) || done.error().is(Reason::kNotFound);
  co_return slower ? claimed(address) : done.error();
}

async::Task<void> ServiceClaims::release_addresses(std::set<std::string> addresses,
                                                   std::string owner, async::StopToken stop) {
  const ServedResource& resource = address_resource(core_);
  for (const auto& address : addresses) {
    store::Write write{.key = resource.store_key("", address)};
    const auto entry = co_await core_.store.get(write.key, stop);
    if (!entry || !*entry) continue;
    auto stored = read_stored(resource, *(*entry)->value);
    const auto* object = stored ? stored->object.as<networkingv1::IPAddress>() : nullptr;
    if (object == nullptr || owner_of(*object) != owner) continue;
    write.expected_revision = (*entry)->mod_revision;
    (void)co_await core_.store.write(std::move(write), stop);
  }
}

async::Task<Status> ServiceClaims::change_ports(PortChange change, async::StopToken stop) {
  const bool turn = co_await one_at_a_time_.acquire(stop);
  if (!turn) co_return Status(Reason::kCanceled, "the server stops");
  const Status done = co_await change_ports_now(change, std::move(stop));
  one_at_a_time_.release();
  co_return done;
}

async::Task<Status> ServiceClaims::change_ports_now(const PortChange& change,
                                                    async::StopToken stop) {
  for (int attempt = 1;; ++attempt) {
    auto entry = co_await core_.store.get(std::string(kPortsKey), stop);
    if (!entry) co_return std::move(entry).error();
    corev1::RangeAllocation kept;
    store::Write write{.key = std::string(kPortsKey), .expected_revision = 0};
    if (*entry) {
      KPP_CO_ASSIGN(api::Object stored,
                    read_stored(corev1::RangeAllocation::desc(), *(*entry)->value));
      kept = *stored.as<corev1::RangeAllocation>();
      write.expected_revision = (*entry)->mod_revision;
    }
    KPP_CO_ASSIGN(PortRange ports, PortRange::read(kept, first_port_, last_port_));
    KPP_CO_RETURN_IF_ERROR(change(ports));
    corev1::RangeAllocation changed = ports.write(kept);
    if (changed.data == kept.data && *entry) co_return Status();
    write.value = std::make_shared<const std::string>(api::to_json(changed));
    const auto done = co_await core_.store.write(std::move(write), stop);
    if (done) co_return Status();
    const bool quicker = done.error().is(Reason::kConflict) ||
                         done.error().is(Reason::kAlreadyExists) ||
                         done.error().is(Reason::kNotFound);
    if (!quicker) co_return done.error();
    if (attempt >= kTries)
      co_return Status(Reason::kConflict, cat("node ports: ", done.error().message()));
  }
}

async::Task<Result<ServiceClaims::Held>> ServiceClaims::claim(const corev1::Service& service,
                                                              const corev1::Service* old,
                                                              async::StopToken stop) {
  const Held wanted = held(service, old);
  Held taken;
  Status done;
  for (const auto& address : wanted.addresses) {
    done = co_await claim_address(service, address, stop);
    if (!done.ok()) break;
    taken.addresses.insert(address);
  }
  if (done.ok() && !wanted.ports.empty()) {
    const PortChange take = [&wanted](PortRange& kept) -> Status {
      for (const auto port : wanted.ports) {
        if (!kept.contains(port)) continue;
        if (kept.taken(port)) return claimed(port);
        kept.set(port, true);
      }
      return {};
    };
    done = co_await change_ports(take, stop);
  }
  if (done.ok()) co_return wanted;
  co_await release(service, std::move(taken), {});
  co_return fail(done);
}

async::Task<void> ServiceClaims::release(const corev1::Service& service, Held held,
                                         async::StopToken stop) {
  co_await release_addresses(std::move(held.addresses), owner_of(service), stop);
  if (held.ports.empty()) co_return;
  const PortChange give_back = [&held](PortRange& all) -> Status {
    for (const auto port : held.ports) {
      if (all.contains(port)) all.set(port, false);
    }
    return {};
  };
  const Status done = co_await change_ports(give_back, stop);
  if (!done.ok()) core_.log.warning("Node ports are given back later", {kv("err", done)});
}

async::Task<Status> ServiceClaims::repair_addresses(async::StopToken stop) {
  const ServedResource& resource = address_resource(core_);
  const auto& known = core_.cache.cache(resource);
  std::set<std::string> held;  // "owner address"
  std::vector<std::pair<corev1::Service, std::string>> missing;
  each_service(core_, [&](const corev1::Service& service) {
    for (const auto& address : addresses_of(&service)) {
      held.insert(cat(owner_of(service), " ", address));
      if (!known.find(resource.store_key("", address))) missing.emplace_back(service, address);
    }
  });
  std::map<std::string, int> idle;
  std::vector<store::Write> ended;
  for (const auto& [key, object] : known.objects()) {
    const auto address = api::parse_json<networkingv1::IPAddress>(*object->json);
    if (!address) continue;
    const std::string owner = owner_of(*address);
    if (owner.empty() || held.contains(cat(owner, " ", object->name))) continue;
    const int rounds = idle_addresses_[object->name] + 1;
    if (rounds < kIdleRounds) {
      idle[object->name] = rounds;
    } else {
      ended.push_back({.key = key, .expected_revision = object->revision});
    }
  }
  idle_addresses_ = std::move(idle);
  for (const auto& [service, address] : missing) {
    const Status done = co_await claim_address(service, address, stop);
    if (!done.ok() && !done.is(Reason::kAlreadyExists)) co_return done;
  }
  for (auto& write : ended) (void)co_await core_.store.write(std::move(write), stop);
  co_return Status();
}

async::Task<Status> ServiceClaims::repair_ports(async::StopToken stop) {
  std::set<std::int32_t> held;
  each_service(core_, [&](const corev1::Service& service) { held.merge(ports_of(&service)); });
  std::map<std::int32_t, int> idle;
  const PortChange change = [&](PortRange& ports) -> Status {
    idle.clear();
    for (std::int32_t port = first_port_; port <= last_port_; ++port) {
      if (held.contains(port)) {
        ports.set(port, true);
      } else if (ports.taken(port)) {
        const auto before = idle_ports_.find(port);
        const int rounds = 1 + (before == idle_ports_.end() ? 0 : before->second);
        if (rounds < kIdleRounds) {
          idle[port] = rounds;
        } else {
          ports.set(port, false);
        }
      }
    }
    return {};
  };
  const Status done = co_await change_ports(change, stop);
  if (done.ok()) idle_ports_ = std::move(idle);
  co_return done;
}

async::Task<Status> ServiceClaims::repair(async::StopToken stop) {
  KPP_CO_RETURN_IF_ERROR(co_await repair_addresses(stop));
  co_return co_await repair_ports(std::move(stop));
}

async::Task<void> ServiceClaims::run(async::StopToken stop) {
  while (!stop.stop_requested()) {
    const Status done = co_await repair(stop);
    if (!done.ok() && !done.is(Reason::kCanceled))
      core_.log.error("Unable to repair the claims of services", {kv("err", done)});
    co_await async::sleep_for(core_.executor, kRepairInterval, stop);
  }
}

async::Task<void> ServiceClaims::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

}  // namespace kpp::apiserver
