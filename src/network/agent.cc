#include "network/agent.h"

#include <algorithm>

#include "async/wait.h"
#include "client/informer.h"
#include "codec/json.h"
#include "net/socket.h"
#include "network/base_rules.h"
#include "network/cni_config.h"
#include "network/overlay.h"
#include "network/policy/policy_rules.h"
#include "network/policy/policy_watch.h"
#include "network/rule_table.h"

namespace kpp::network {
namespace {

constexpr Duration kRetryAfter = std::chrono::seconds(2);
// Changes that come together are done together.
constexpr Duration kGather = std::chrono::milliseconds(50);

// What must be on for packets to go from link to link, and to meet the rules on their way over a
// bridge.
constexpr const char* kForwarding[] = {"net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables"};

void keep_what_is_read(corev1::Node& node) {
  node.metadata.labels.clear();
  node.status.images.clear();
  node.status.conditions.clear();
}

}  // namespace

struct Agent::State {
  State(AgentDeps d, NetworkOptions o)
      : deps(std::move(d)),
        options(std::move(o)),
        monitor(deps.executor, deps.monitor.release()),
        nodes(deps.executor, deps.client, deps.log),
        policies(deps.executor, deps.client, deps.log, [this] { wanted.set(); }),
        overlay(deps.tables, options),
        rules(deps.commands),
        wanted(deps.executor),
        scope(deps.executor) {}

  async::Task<void> run(async::StopToken stop);
  async::Task<void> watch_kernel(async::StopToken stop);
  async::Task<void> allow_forwarding();
  async::Task<Status> reconcile(async::StopToken stop);
  async::Task<Status> publish(NodeNetwork self, TunnelEnd tunnel, async::StopToken stop);
  void say_once(std::string text);

  AgentDeps deps;
  const NetworkOptions options;
  net::Socket monitor;
  client::Informer<corev1::Node> nodes;
  PolicyWatch policies;
  Overlay overlay;
  RuleTable rules;
  std::string said;  // the last trouble that was logged
  async::Event wanted;
  async::Scope scope;
};

Agent::Agent(AgentDeps deps, NetworkOptions options)
    : state_(std::make_unique<State>(std::move(deps), std::move(options))) {
  State* state = state_.get();
  state->nodes.set_trim(keep_what_is_read);
  state->nodes.add_handler([state](const auto& before, const auto& after) {
    const auto was = before ? network_of(*before) : std::nullopt;
    const auto is = after ? network_of(*after) : std::nullopt;
    if (was != is) state->wanted.set();
  });
}

Agent::~Agent() = default;

void Agent::start() {
  state_->nodes.start();
  state_->policies.start();
  state_->scope.spawn(state_->run(state_->scope.stop_token()));
  state_->scope.spawn(state_->watch_kernel(state_->scope.stop_token()));
}

async::Task<void> Agent::stop() {
  state_->scope.request_stop();
  state_->monitor.wake_all();
  co_await state_->scope.join();
  co_await state_->policies.stop();
  co_await state_->nodes.stop();
}

void Agent::State::say_once(std::string text) {
  if (text == said) return;
  said = std::move(text);
  deps.log.warning("The pod network waits", {kv("why", said)});
}

async::Task<void> Agent::State::watch_kernel(async::StopToken stop) {
  while (true) {
    co_await monitor.readable();
    if (stop.stop_requested()) co_return;
    if (sys::drain_netlink(monitor.fd())) wanted.set();
  }
}

async::Task<void> Agent::State::run(async::StopToken stop) {
  const bool have_nodes = co_await nodes.wait_synced(stop);
  if (!have_nodes) co_return;
  co_await allow_forwarding();
  wanted.set();
  while (true) {
    const bool more = co_await wanted.wait(stop);
    if (!more) co_return;
    const bool gathered = co_await async::sleep_for(deps.executor, kGather, stop);
    if (!gathered) co_return;
    wanted.reset();
    const Status done = co_await reconcile(stop);
    if (done.ok() || stop.stop_requested()) continue;
    say_once(done.message());
    const bool slept = co_await async::sleep_for(deps.executor, kRetryAfter, stop);
    if (!slept) co_return;
    wanted.set();
  }
}

async::Task<void> Agent::State::allow_forwarding() {
  for (const char* name : kForwarding) {
    std::vector<std::string> look{"sysctl", "-n", name};
    const auto is = co_await deps.commands.run(std::move(look), {});
    if (is && *is == "1\n") continue;
    std::vector<std::string> set{"sysctl", "-q", "-w", cat(name, "=1")};
    const auto done = co_await deps.commands.run(std::move(set), {});
    if (!done) {
      deps.log.error("Packets between pods may be lost; set it on the node",
                     {kv("sysctl", cat(name, "=1")), kv("err", done.error())});
    }
  }
}

async::Task<Status> Agent::State::reconcile(async::StopToken stop) {
  std::vector<NodeNetwork> all;
  std::vector<NodeNetwork> others;
  std::optional<NodeNetwork> self;
  for (const auto& node : nodes.all()) {
    auto network = network_of(*node);
    if (!network) continue;
    (network->name == options.node_name ? self.emplace() : others.emplace_back()) = *network;
    all.push_back(std::move(*network));
  }
  if (!self) {
    say_once(cat("node ", options.node_name, " has no podCIDR or no InternalIP yet"));
    co_return Status();
  }
  KPP_CO_ASSIGN(const Overlay::Here here, overlay.ensure_tunnel(*self));
  if (self->tunnel != here.tunnel) {
    KPP_CO_RETURN_IF_ERROR(co_await publish(*self, here.tunnel, stop));
  }
  KPP_CO_ASSIGN(const int changes, overlay.connect(others));
  const auto facts = policies.facts(options.node_name);
  // It tells when it knows; what an earlier agent wrote guards the pods until then.
  if (!facts) co_return Status();
  Ruleset ruleset = base_rules(*self, all);
  add_policy_rules(*facts, ruleset);
  KPP_CO_RETURN_IF_ERROR(co_await rules.apply(std::move(ruleset)));
  KPP_CO_ASSIGN(const bool written,
                write_cni_config(options.cni_file, cni_config(self->pods, here.mtu)));
  if (changes > 0 || written || !said.empty()) {
    deps.log.info("Pod network is up", {kv("pods", self->pods.to_string()), kv("mtu", here.mtu),
                                        kv("otherNodes", others.size()), kv("changes", changes)});
  }
  said.clear();
  co_return Status();
}

// The subresource is enough for metadata, and cannot touch what only others may change.
async::Task<Status> Agent::State::publish(NodeNetwork self, TunnelEnd tunnel,
                                          async::StopToken stop) {
  json::Object annotations;
  for (const auto& [key, value] : annotations_of(tunnel)) annotations[key] = value;
  const json::Object patch{{"metadata", json::Object{{"annotations", std::move(annotations)}}}};
  auto done = co_await deps.client.patch<corev1::Node>({"", self.name}, client::PatchType::kMerge,
                                                       json::write(patch), "status", stop);
  if (!done) co_return std::move(done).error().with_context("telling other nodes of the tunnel");
  co_return Status();
}

}  // namespace kpp::network
