#include "scheduler/cache.h"

#include <algorithm>

namespace kpp::scheduler {

NodeInfo& Cache::info(const std::string& name) {
  auto& entry = by_name_[name];
  if (!entry) entry = std::make_unique<NodeInfo>();
  return *entry;
}

void Cache::drop_if_unused(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found != by_name_.end() && !found->second->node && found->second->pods.empty())
    by_name_.erase(found);
}

void Cache::place(const PodInfoRef& pod, const std::string& node, bool assumed) {
  const auto key = pod->key();
  remove_pod(key);
  info(node).add_pod(pod);
  pods_[key] = {pod, node, assumed};
}

void Cache::add_pod(const PodInfoRef& pod) { place(pod, pod->pod->spec.node_name, false); }

void Cache::remove_pod(const api::ObjectKey& key) {
  const auto found = pods_.find(key);
  if (found == pods_.end()) return;
  const std::string node = found->second.node;
  pods_.erase(found);
  info(node).remove_pod(key);
  drop_if_unused(node);
}

void Cache::assume(const PodInfoRef& pod, const std::string& node) { place(pod, node, true); }

void Cache::forget(const api::ObjectKey& key) {
  if (is_assumed(key)) remove_pod(key);
}

bool Cache::is_assumed(const api::ObjectKey& key) const {
  const auto found = pods_.find(key);
  return found != pods_.end() && found->second.assumed;
}

void Cache::set_node(NodeRef node) {
  NodeInfo& entry = info(node->metadata.name);
  if (!entry.node) list_.push_back(&entry);
  entry.set_node(std::move(node));
}

void Cache::remove_node(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end() || !found->second->node) return;
  std::erase(list_, found->second.get());
  found->second->set_node(nullptr);
  drop_if_unused(name);
}

const NodeInfo* Cache::node(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

}  // namespace kpp::scheduler
