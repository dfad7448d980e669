#include "proxy/proxier.h"

#include <unistd.h>

#include <algorithm>

#include "api/json_codec.h"
#include "async/wait.h"
#include "client/informer.h"
#include "proxy/conntrack.h"
#include "proxy/conntrack_sysctls.h"
#include "proxy/health.h"
#include "proxy/metrics.h"
#include "proxy/rules/model.h"
#include "proxy/syncer.h"

namespace kpp::proxy {

namespace {

constexpr Duration kRetryAfter = std::chrono::seconds(5);
constexpr int kBurst = 2;

std::string node_name(const ProxyOptions& options) {
  if (!options.hostname_override.empty()) return options.hostname_override;
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

client::ListQuery without_other_proxies() {
  client::ListQuery query;
  query.label_selector =
      "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
  return query;
}

client::ListQuery without_headless() {
  client::ListQuery query;
  query.label_selector = "!service.kubernetes.io/headless";
  return query;
}

client::ListQuery only_named(const std::string& name) {
  client::ListQuery query;
  query.field_selector = cat("metadata.name=", name);
  return query;
}

const char* tool(IpFamily family, const char* v4, const char* v6) {
  return family == IpFamily::kIPv4 ? v4 : v6;
}

// The addresses in the output of `ip -o addr show`.
std::vector<std::string> addresses_in(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view key : {" inet ", " inet6 "}) {
    for (auto at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
      const auto rest = text.substr(at + key.size());
      out.emplace_back(rest.substr(0, rest.find_first_of("/ \n")));
    }
  }
  return out;
}

bool leaving(const corev1::Node& node) {
  return node.metadata.deletion_timestamp ||
         std::any_of(node.spec.taints.begin(), node.spec.taints.end(), [](const auto& taint) {
           return taint.key == "ToBeDeletedByClusterAutoscaler";
         });
}

bool same_for_rules(const corev1::Node& a, const corev1::Node& b) {
  const auto& x = a.status.addresses;
  const auto& y = b.status.addresses;
  return a.metadata.labels == b.metadata.labels && a.spec.pod_cidr == b.spec.pod_cidr &&
         a.spec.pod_cidrs == b.spec.pod_cidrs &&
         std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto& p, const auto& q) {
           return p.type == q.type && p.address == q.address;
         });
}

}  // namespace

struct Proxier::State {
  State(ProxierDeps d, ProxyOptions o)
      : deps(std::move(d)),
        options(std::move(o)),
        name(node_name(options)),
        model(name),
        health(deps.executor, options.sync_period),
        services(deps.executor, deps.client, deps.log, {}, without_other_proxies()),
        slices(deps.executor, deps.client, deps.log, {}, without_headless()),
        nodes(deps.executor, deps.client, deps.log, {}, only_named(name)),
        wanted(deps.executor),
        scope(deps.executor) {
    node.metadata.name = name;
  }

  void node_changed(const std::shared_ptr<const corev1::Node>& now);
  void changed();

  async::Task<void> run(async::StopToken stop);
  async::Task<void> prepare();
  async::Task<void> sync_all();
  async::Task<bool> sync(IpFamily family);
  async::Task<void> read_addresses();
  async::Task<void> clear_flows(IpFamily family, RuleOptions rules);
  async::Task<void> watch_canaries(async::StopToken stop);
  std::map<int, CheckedService> checked_services() const;

  ProxierDeps deps;
  const ProxyOptions options;
  const std::string name;
  Model model;
  FamilySyncer syncers[2] = {FamilySyncer(IpFamily::kIPv4), FamilySyncer(IpFamily::kIPv6)};
  bool served[2] = {true, true};
  corev1::Node node;
  std::vector<std::string> node_addresses;
  Health health;
  Metrics metrics;
  client::Informer<corev1::Service> services;
  client::Informer<discoveryv1::EndpointSlice> slices;
  client::Informer<corev1::Node> nodes;
  async::Event wanted;
  TimePoint chains_removed{};
  async::Scope scope;
};

Proxier::Proxier(ProxierDeps deps, ProxyOptions options)
    : state_(std::make_unique<State>(std::move(deps), std::move(options))) {
  State* state = state_.get();
  state->services.add_handler([state](const auto& before, const auto& after) {
    // Each family keeps its own account of services, as in the original.
    for (int f = 0; f < 2; ++f) state->metrics.service_changed();
    if (after) {
      state->model.put_service(*after);
    } else {
      state->model.remove_service(api::key_of(*before));
    }
    state->changed();
  });
  state->slices.add_handler([state](const auto& before, const auto& after) {
    state->metrics.endpoints_changed();
    if (after) {
      state->model.put_slice(after);
    } else {
      state->model.remove_slice(api::key_of(*before));
    }
    state->changed();
  });
  state->nodes.add_handler(
      [state](const auto& /*before*/, const auto& after) { state->node_changed(after); });
}

Proxier::~Proxier() = default;

net::Handler& Proxier::health() { return state_->health; }
net::Handler& Proxier::metrics() { return state_->metrics; }

void Proxier::start() {
  state_->services.start();
  state_->slices.start();
  state_->nodes.start();
  state_->scope.spawn(state_->run(state_->scope.stop_token()));
  state_->scope.spawn(state_->watch_canaries(state_->scope.stop_token()));
}

async::Task<void> Proxier::stop() {
  state_->scope.request_stop();
  co_await state_->scope.join();
  co_await state_->services.stop();
  co_await state_->slices.stop();
  co_await state_->nodes.stop();
}

void Proxier::State::changed() {
  for (int f = 0; f < 2; ++f) {
    if (!served[f] || !syncers[f].needs_sync(model)) continue;
    health.queued(f);
    metrics.queued(static_cast<IpFamily>(f), deps.executor.wall());
    wanted.set();
  }
}

void Proxier::State::node_changed(const std::shared_ptr<const corev1::Node>& now) {
  if (!now || now->metadata.name != name) {
    // Its traffic goes on; only load balancers are told to look elsewhere.
    health.set_node_eligible(false);
    return;
  }
  health.set_node_eligible(!leaving(*now));
  const bool same = same_for_rules(node, *now);
  node = *now;
  if (same) return;
  for (auto& syncer : syncers) syncer.require_full();
  changed();
}

async::Task<void> Proxier::State::run(async::StopToken stop) {
  const bool have_services = co_await services.wait_synced(stop);
  if (!have_services) co_return;
  const bool have_slices = co_await slices.wait_synced(stop);
  if (!have_slices) co_return;
  const bool have_node = co_await nodes.wait_synced(stop);
  if (!have_node) co_return;
  co_await prepare();
  deps.log.info("Using iptables Proxier", {kv("node", name)});
  changed();
  // Tokens of the rate limit: kBurst at first, one more each period.
  Duration credit = (kBurst - 1) * options.min_sync_period;
  TimePoint last = deps.executor.steady();
  while (!stop.stop_requested()) {
    const bool more = co_await wanted.wait(stop);
    if (!more) co_return;
    credit = std::min<Duration>(credit + (deps.executor.steady() - last),
                                kBurst * options.min_sync_period);
    last = deps.executor.steady();
    if (credit < options.min_sync_period) {
      const bool slept =
          co_await async::sleep_for(deps.executor, options.min_sync_period - credit, stop);
      if (!slept) co_return;
      credit = options.min_sync_period;
      last = deps.executor.steady();
    }
    credit -= options.min_sync_period;
    wanted.reset();
    co_await sync_all();
    bool again = false;
    for (int f = 0; f < 2; ++f) again = again || (served[f] && syncers[f].needs_full());
    if (again) {
      // A write has failed twice; what is wrong will hardly mend at once.
      const bool slept = co_await async::sleep_for(deps.executor, kRetryAfter, stop);
      if (!slept) co_return;
      wanted.set();
    }
  }
}

// Lets 127.0.0.1 reach node ports, and finds out whether there is IPv6.
async::Task<void> Proxier::State::prepare() {
  const RuleOptions rules = rule_options(options, node, {}, IpFamily::kIPv4, false);
  if (rules.loopback_node_ports()) {
    std::vector<std::string> set{"sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1"};
    const auto done = co_await deps.commands.run(std::move(set), {});
    if (!done) deps.log.warning("Node ports do not answer on 127.0.0.1", {kv("err", done.error())});
  }
  co_await set_conntrack_sysctls(deps.commands, options.conntrack, deps.log);
  std::vector<std::string> look{"ip6tables", "-w", "5", "-t", "nat", "-S", "POSTROUTING"};
  const auto v6 = co_await deps.commands.run(std::move(look), {});
  if (!v6) {
    served[1] = false;
    deps.log.info("No iptables support for family",
                  {kv("ipFamily", "IPv6"), kv("err", v6.error())});
  }
}

async::Task<void> Proxier::State::sync_all() {
  if (!options.node_port_addresses.empty()) co_await read_addresses();
  for (const IpFamily family : {IpFamily::kIPv4, IpFamily::kIPv6}) {
    const auto f = static_cast<std::size_t>(family);
    if (!served[f] || !syncers[f].needs_sync(model)) continue;
    const bool written = co_await sync(family);
    if (written) continue;
    co_await sync(family);  // in full
  }
  if (deps.service_health != nullptr)
    co_await deps.service_health->update(checked_services(), health);
}

std::map<int, CheckedService> Proxier::State::checked_services() const {
  std::map<int, CheckedService> out;
  for (const IpFamily family : {IpFamily::kIPv4, IpFamily::kIPv6}) {
    for (const auto& [of, port] : model.family(family).services) {
      if (port.health_check_node_port == 0) continue;
      CheckedService& service = out[port.health_check_node_port];
      service.namespace_ = of.namespace_;
      service.name = of.name;
      service.local_endpoints =
          std::max(service.local_endpoints, model.local_endpoints(of.service(), family));
    }
  }
  return out;
}

async::Task<void> Proxier::State::read_addresses() {
  std::vector<std::string> show{"ip", "-o", "addr", "show"};
  auto shown = co_await deps.commands.run(std::move(show), {});
  if (shown) {
    node_addresses = addresses_in(*shown);
  } else {
    deps.log.error("Failed to list the node's addresses", {kv("err", shown.error())});
  }
}

async::Task<bool> Proxier::State::sync(IpFamily family) {
  const auto f = static_cast<std::size_t>(family);
  KernelRules kernel;
  if (syncers[f].needs_full()) {
    std::vector<std::string> save{tool(family, "iptables-save", "ip6tables-save")};
    const auto saved = co_await deps.commands.run(std::move(save), {});
    auto parsed =
        saved ? KernelRules::parse(*saved) : Result<KernelRules>(std::unexpected(saved.error()));
    if (!parsed) {
      deps.log.error("Failed to read iptables rules", {kv("err", parsed.error())});
      co_return false;
    }
    kernel = std::move(*parsed);
  }
  const TimePoint began = deps.executor.steady();
  const RuleOptions rules = rule_options(options, node, node_addresses, family, false);
  const bool may_remove = deps.executor.steady() - chains_removed >= options.sync_period;
  if (may_remove) chains_removed = deps.executor.steady();
  const auto plan = syncers[f].plan(model, rules, kernel, may_remove);
  std::vector<std::string> restore{tool(family, "iptables-restore", "ip6tables-restore"), "-w", "5",
                                   "--noflush", "--counters"};
  const auto written = co_await deps.commands.run(std::move(restore), plan.text);
  metrics.synced({family, plan.full, !written, deps.executor.steady() - began, plan.text},
                 deps.executor.wall());
  if (!written) {
    syncers[f].failed(plan);
    deps.log.error("Failed to execute iptables-restore",
                   {kv("err", written.error()), kv("full", plan.full)});
    co_return false;
  }
  syncers[f].done(plan);
  health.synced(static_cast<int>(f));
  deps.log.debug(2, "SyncProxyRules complete",
                 {kv("ipFamily", tool(family, "IPv4", "IPv6")), kv("full", plan.full),
                  kv("changed", plan.changed.size())});
  const auto& known = model.family(family).services;
  const bool udp = std::any_of(known.begin(), known.end(), [&](const auto& entry) {
    return entry.first.protocol == "UDP" &&
           (plan.full || plan.changed.contains(entry.first.service()));
  });
  if (udp) co_await clear_flows(family, rules);
  co_return true;
}

async::Task<void> Proxier::State::clear_flows(IpFamily family, RuleOptions rules) {
  const char* kind = tool(family, "ipv4", "ipv6");
  std::vector<std::string> list{"conntrack", "-L", "-p", "udp", "-f", kind};
  const auto listed = co_await deps.commands.run(std::move(list), {});
  if (!listed) {
    deps.log.debug(2, "Tracked flows cannot be listed", {kv("err", listed.error())});
    co_return;
  }
  const auto stale = stale_flows(parse_flows(*listed), model.family(family), rules);
  for (const auto& flow : stale) {
    std::vector<std::string> drop{"conntrack", "-D",
                                  "-p",        "udp",
                                  "-f",        kind,
                                  "-s",        flow.source,
                                  "-d",        flow.destination,
                                  "--sport",   cat(flow.source_port),
                                  "--dport",   cat(flow.destination_port)};
    const auto dropped = co_await deps.commands.run(std::move(drop), {});
    if (!dropped) deps.log.debug(2, "Flow was gone already", {kv("err", dropped.error())});
  }
}

// Someone who flushes all tables (a firewall that restarts) takes our chains away without telling.
async::Task<void> Proxier::State::watch_canaries(async::StopToken stop) {
  while (true) {
    const bool slept = co_await async::sleep_for(deps.executor, options.sync_period, stop);
    if (!slept) co_return;
    for (const IpFamily family : {IpFamily::kIPv4, IpFamily::kIPv6}) {
      const auto f = static_cast<std::size_t>(family);
      if (!served[f] || syncers[f].needs_full()) continue;
      std::vector<std::string> look{
          tool(family, "iptables", "ip6tables"), "-w", "5", "-t", "mangle", "-S", kCanaryChain};
      const auto there = co_await deps.commands.run(std::move(look), {});
      if (there) continue;
      deps.log.info("IPTables canary deleted", {kv("table", "mangle"), kv("chain", kCanaryChain)});
      syncers[f].require_full();
      changed();
    }
  }
}

async::Task<Status> cleanup(sys::Commands& commands) {
  Status out;
  for (const IpFamily family : {IpFamily::kIPv4, IpFamily::kIPv6}) {
    std::vector<std::string> save{tool(family, "iptables-save", "ip6tables-save")};
    const auto saved = co_await commands.run(std::move(save), {});
    if (!saved) {
      if (family == IpFamily::kIPv4) out = saved.error();
      continue;
    }
    const auto parsed = KernelRules::parse(*saved);
    if (!parsed) {
      out = parsed.error();
      continue;
    }
    std::string text = cleanup_text(*parsed);
    if (text.empty()) continue;
    std::vector<std::string> restore{tool(family, "iptables-restore", "ip6tables-restore"), "-w",
                                     "5", "--noflush", "--counters"};
    const auto done = co_await commands.run(std::move(restore), std::move(text));
    if (!done) out = done.error();
  }
  co_return out;
}

}  // namespace kpp::proxy
