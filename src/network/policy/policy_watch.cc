#include "network/policy/policy_watch.h"

namespace kpp::network {
namespace {

// Pods of a whole cluster are kept: only what rules are made from.
void keep_what_is_read(corev1::Pod& pod) {
  corev1::Pod kept;
  kept.metadata.name = std::move(pod.metadata.name);
  kept.metadata.namespace_ = std::move(pod.metadata.namespace_);
  kept.metadata.labels = std::move(pod.metadata.labels);
  kept.metadata.resource_version = std::move(pod.metadata.resource_version);
  kept.metadata.uid = std::move(pod.metadata.uid);
  kept.spec.node_name = std::move(pod.spec.node_name);
  kept.spec.host_network = pod.spec.host_network;
  const auto keep_ports = [](std::vector<corev1::Container>& from,
                             std::vector<corev1::Container>& to) {
    for (corev1::Container& container : from) {
      corev1::Container& one = to.emplace_back();
      one.ports = std::move(container.ports);
      one.restart_policy = std::move(container.restart_policy);
    }
  };
  keep_ports(pod.spec.containers, kept.spec.containers);
  keep_ports(pod.spec.init_containers, kept.spec.init_containers);
  kept.status.phase = std::move(pod.status.phase);
  kept.status.pod_ip = std::move(pod.status.pod_ip);
  kept.status.pod_ips = std::move(pod.status.pod_ips);
  pod = std::move(kept);
}

}  // namespace

PolicyWatch::PolicyWatch(async::Executor& executor, client::Client& client, Logger log,
                         std::function<void()> changed)
    : changed_(std::move(changed)),
      policies_(executor, client, log),
      pods_(executor, client, log),
      namespaces_(executor, client, log),
      scope_(executor) {
  policies_.add_handler([this](const auto& before, const auto& after) {
    follow_pods();
    if (!before || !after || before->metadata.generation != after->metadata.generation) changed_();
  });
  pods_.set_trim(keep_what_is_read);
  pods_.add_handler([this](const auto& before, const auto& after) {
    const auto was = before ? facts_of(*before) : std::nullopt;
    const auto is = after ? facts_of(*after) : std::nullopt;
    if (was != is) changed_();
  });
  namespaces_.add_handler([this](const auto& before, const auto& after) {
    if (!before || !after || before->metadata.labels != after->metadata.labels) changed_();
  });
}

void PolicyWatch::start() {
  policies_.start();
  scope_.spawn(tell_when_listed(scope_.stop_token()));
}

void PolicyWatch::follow_pods() {
  if (follows_pods_) return;
  follows_pods_ = true;
  pods_.start();
  namespaces_.start();
  scope_.spawn(tell_when_listed(scope_.stop_token()));
}

// Lists may be empty, and then no handler is called.
async::Task<void> PolicyWatch::tell_when_listed(async::StopToken stop) {
  const bool policies = co_await policies_.wait_synced(stop);
  if (!policies) co_return;
  if (follows_pods_) {
    const bool pods = co_await pods_.wait_synced(stop);
    if (!pods) co_return;
    const bool namespaces = co_await namespaces_.wait_synced(stop);
    if (!namespaces) co_return;
  }
  changed_();
}

async::Task<void> PolicyWatch::stop() {
  scope_.request_stop();
  co_await scope_.join();
  co_await policies_.stop();
  if (follows_pods_) {
    co_await pods_.stop();
    co_await namespaces_.stop();
  }
}

std::optional<PolicyFacts> PolicyWatch::facts(const std::string& node) const {
  if (!policies_.synced()) return std::nullopt;
  if (follows_pods_ && (!pods_.synced() || !namespaces_.synced())) return std::nullopt;
  PolicyFacts out;
  out.node = node;
  out.policies = policies_.all();
  if (out.policies.empty()) return out;
  for (const auto& pod : pods_.all()) {
    if (auto facts = facts_of(*pod)) out.pods.push_back(std::move(*facts));
  }
  for (const auto& one : namespaces_.all())
    out.namespaces[one->metadata.name] = one->metadata.labels;
  return out;
}

}  // namespace kpp::network
