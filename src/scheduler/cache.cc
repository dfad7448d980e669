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
  if (!pod->affinity.empty()) ++with_affinity_;
  if (!pod->affinity.required_anti.empty()) ++with_required_anti_;
  pods_[key] = {pod, node, assumed};
}

void Cache::add_pod(const PodInfoRef& pod) { place(pod, pod->pod->spec.node_name, false); }

void Cache::remove_pod(const api::ObjectKey& key) {
  const auto found = pods_.find(key);
  if (found == pods_.end()) return;
  const std::string node = found->second.node;
  const auto& affinity = found->second.pod->affinity;
  if (!affinity.empty()) --with_affinity_;
  if (!affinity.required_anti.empty()) --with_required_anti_;
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

PodInfoRef Cache::find(const api::ObjectKey& key) const {
  const auto found = pods_.find(key);
  return found == pods_.end() ? nullptr : found->second.pod;
}

void Cache::set_node(NodeRef node) {
  NodeInfo& entry = info(node->metadata.name);
  if (!entry.node) {
    list_.push_back(&entry);
  } else {
    count_images(*entry.node, false);
  }
  count_images(*node, true);
  entry.set_node(std::move(node));
}

void Cache::remove_node(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end() || !found->second->node) return;
  std::erase(list_, found->second.get());
  count_images(*found->second->node, false);
  found->second->set_node(nullptr);
  drop_if_unused(name);
}

void Cache::count_images(const corev1::Node& node, bool there) {
  for (const auto& image : node.status.images) {
    for (const auto& name : image.names) {
      if (there) {
        ++images_[name];
      } else if (const auto found = images_.find(name); --found->second == 0) {
        images_.erase(found);
      }
    }
  }
}

std::size_t Cache::nodes_with_image(const std::string& name) const {
  const auto found = images_.find(name);
  return found == images_.end() ? 0 : found->second;
}

const NodeInfo* Cache::node(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

void Cache::nominate(const PodInfoRef& pod, const std::string& node) {
  nominated_[pod->key()] = {pod, node};
}

void Cache::drop_nomination(const api::ObjectKey& key) { nominated_.erase(key); }

std::string Cache::nominated_node(const api::ObjectKey& key) const {
  const auto found = nominated_.find(key);
  return found == nominated_.end() ? std::string() : found->second.second;
}

std::vector<PodInfoRef> Cache::nominated_to(const std::string& node,
                                            const api::ObjectKey& except) const {
  std::vector<PodInfoRef> out;
  for (const auto& [key, entry] : nominated_) {
    if (entry.second == node && key != except) out.push_back(entry.first);
  }
  return out;
}

void Cache::set_namespace(const std::string& name, api::Labels labels) {
  namespaces_[name] = std::move(labels);
}

NamespaceLabels Cache::namespace_labels() const {
  return [this](const std::string& name) -> const api::Labels* {
    const auto found = namespaces_.find(name);
    return found == namespaces_.end() ? nullptr : &found->second;
  };
}

void Cache::set_budget(const api::ObjectKey& key, BudgetRef budget) {
  if (budget) {
    budgets_[key] = std::move(budget);
  } else {
    budgets_.erase(key);
  }
}

}  // namespace kpp::scheduler
