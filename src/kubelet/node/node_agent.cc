#include "kubelet/node/node_agent.h"

#include <algorithm>

#include "api/coordinationv1.h"
#include "async/time_limit.h"

namespace kpp::kubelet {
namespace {

constexpr Duration kImpatientPeriod = std::chrono::milliseconds(250);
constexpr const char* kLeaseNamespace = "kube-node-lease";
// A heartbeat that hangs, on a connection whose other end is gone, is given up, and the connection
// with it: the next one starts anew.
constexpr Duration kHeartbeatPatience = std::chrono::seconds(10);
constexpr Duration kRuntimePatience = std::chrono::seconds(30);

Status too_late() {
  return {Reason::kTimeout, "context deadline exceeded (no answer within 10 s)"};
}

}  // namespace

NodeAgent::NodeAgent(async::Executor& executor, Runtime& runtime, client::Client& client,
                     Logger log, const KubeletOptions& options, Machine machine, NodeEvents& events)
    : executor_(executor),
      runtime_(runtime),
      client_(client),
      log_(std::move(log)),
      options_(options),
      machine_(std::move(machine)),
      events_(events),
      node_labels_(new_node(machine_, options_).metadata.labels),
      ready_(executor),
      registered_(executor),
      scope_(executor) {}

void NodeAgent::start() {
  scope_.spawn(keep_status());
  scope_.spawn(keep_lease());
}

async::Task<void> NodeAgent::stop() {
  scope_.request_stop();
  co_await scope_.join();
}

async::Task<RuntimeHealth> NodeAgent::ask_runtime(async::StopToken stop) {
  RuntimeHealth out;
  auto version = co_await runtime_.version(stop);
  if (!version) co_return out;
  auto status = co_await runtime_.status(stop);
  if (!status) co_return out;
  out.answers = true;
  out.version = cat(version->runtime_name, "://", version->runtime_version);
  if (!out.version.empty() && version->runtime_version.starts_with("v")) {
    out.version = cat(version->runtime_name, "://", version->runtime_version.substr(1));
  }
  out.not_ready =
      status->status ? runtime_not_ready(*status->status) : "container runtime status is missing";
  take_features(*status, out);
  auto images = co_await runtime_.list_images(stop);
  if (images) out.images = std::move(*images);
  co_return out;
}

async::Task<Result<corev1::Node>> NodeAgent::get_or_register(RuntimeHealth health,
                                                             async::StopToken stop) {
  auto found = co_await client_.get<corev1::Node>({"", options_.node_name}, stop);
  if (found || !found.error().is(Reason::kNotFound) || !options_.register_node) co_return found;
  corev1::Node node = new_node(machine_, options_);
  fill_status(node.status, machine_, options_, health, executor_.wall());
  log_.info("Attempting to register node", {kv("node", options_.node_name)});
  auto made = co_await client_.create<corev1::Node>(node, stop);
  if (made) log_.info("Successfully registered node", {kv("node", options_.node_name)});
  co_return made;
}

async::Task<Status> NodeAgent::write_status(RuntimeHealth health, async::StopToken stop) {
  constexpr int kTries = 5;
  Status last;
  for (int i = 0; i < kTries; ++i) {
    auto node = co_await get_or_register(health, stop);
    if (!node) co_return std::move(node).error();
    node_uid_ = node->metadata.uid;
    registered_.set();

    corev1::Node wanted = new_node(machine_, options_);
    bool relabel = false;
    for (const auto& [key, value] : wanted.metadata.labels) {
      auto& have = node->metadata.labels[key];
      relabel = relabel || have != value;
      have = value;
    }
    if (relabel) {
      auto relabelled = co_await client_.update<corev1::Node>(*node, stop);
      if (!relabelled) {
        last = std::move(relabelled).error();
        if (last.is(Reason::kConflict)) continue;
        co_return last;
      }
      node = std::move(relabelled);
    }
    node_labels_ = node->metadata.labels;
    const corev1::NodeStatus before = node->status;
    fill_status(node->status, machine_, options_, health, executor_.wall());
    if (written_ && same_status(before, node->status) &&
        executor_.steady() - written_at_ < options_.report_period) {
      co_return Status();
    }
    auto updated = co_await client_.update_status<corev1::Node>(std::move(*node), stop);
    if (updated) {
      events_.status_written(before, updated->status);
      written_ = std::move(updated->status);
      written_at_ = executor_.steady();
      if (is_ready(*written_)) ready_.set();
      co_return Status();
    }
    last = std::move(updated).error();
    if (!last.is(Reason::kConflict)) co_return last;
  }
  co_return last;
}

async::Task<void> NodeAgent::keep_status() {
  const async::StopToken stop = scope_.stop_token();
  bool complained = false;
  while (!stop.stop_requested()) {
    RuntimeHealth health;
    {
      const async::TimeLimit limit(executor_, kRuntimePatience, stop);
      health = co_await ask_runtime(limit.token());
    }
    const bool good = health.answers && health.not_ready.empty();
    // A node that was Ready a moment ago says so again only if something changed.
    const async::TimeLimit limit(executor_, kHeartbeatPatience, stop);
    Status done = co_await write_status(std::move(health), limit.token());
    if (!done.ok() && limit.passed()) done = too_late();
    if (!done.ok() && !stop.stop_requested() && !complained) {
      log_.error("Failed to write the node's status",
                 {kv("node", options_.node_name), kv("err", done.to_string())});
    }
    complained = !done.ok();
    const Duration pause = good && done.ok() ? options_.status_period : kImpatientPeriod;
    co_await async::sleep_for(executor_, pause, stop);
  }
}

async::Task<Status> NodeAgent::renew_lease(async::StopToken stop) {
  const api::ObjectKey key{kLeaseNamespace, options_.node_name};
  auto lease = co_await client_.get<coordinationv1::Lease>(key, stop);
  if (lease) {
    lease->spec.renew_time = api::MicroTime::from(executor_.wall());
    lease->spec.holder_identity = options_.node_name;
    lease->spec.lease_duration_seconds = options_.lease_seconds;
    auto updated = co_await client_.update<coordinationv1::Lease>(std::move(*lease), stop);
    if (!updated) co_return std::move(updated).error();
    co_return Status();
  }
  if (!lease.error().is(Reason::kNotFound)) co_return std::move(lease).error();
  coordinationv1::Lease fresh;
  fresh.metadata.namespace_ = kLeaseNamespace;
  fresh.metadata.name = options_.node_name;
  metav1::OwnerReference owner;
  owner.api_version = "v1";
  owner.kind = "Node";
  owner.name = options_.node_name;
  owner.uid = node_uid_;
  fresh.metadata.owner_references.push_back(std::move(owner));
  fresh.spec.holder_identity = options_.node_name;
  fresh.spec.lease_duration_seconds = options_.lease_seconds;
  fresh.spec.renew_time = api::MicroTime::from(executor_.wall());
  auto created = co_await client_.create<coordinationv1::Lease>(std::move(fresh), stop);
  if (!created) co_return std::move(created).error();
  co_return Status();
}

async::Task<void> NodeAgent::keep_lease() {
  constexpr Duration kFirstPause = std::chrono::milliseconds(200);
  constexpr Duration kLongestPause = std::chrono::seconds(7);
  const async::StopToken stop = scope_.stop_token();
  const bool registered = co_await registered_.wait(stop);
  if (!registered) co_return;
  Duration pause = kFirstPause;
  while (!stop.stop_requested()) {
    const async::TimeLimit limit(executor_, kHeartbeatPatience, stop);
    Status done = co_await renew_lease(limit.token());
    if (!done.ok() && limit.passed()) done = too_late();
    if (done.ok()) {
      pause = kFirstPause;
      co_await async::sleep_for(executor_, std::chrono::seconds(options_.lease_seconds) / 4, stop);
      continue;
    }
    if (!stop.stop_requested()) {
      log_.warning("Failed to ensure lease exists, will retry", {kv("err", done.to_string())});
    }
    co_await async::sleep_for(executor_, pause, stop);
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace kpp::kubelet
