// The scheduler's picture of the cluster: nodes and what stands on them, with decisions not yet
// confirmed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/policyv1.h"
#include "scheduler/pod_groups.h"
#include "scheduler/storage.h"
#include "scheduler/types.h"

namespace kpp::scheduler {

using BudgetRef = std::shared_ptr<const policyv1::PodDisruptionBudget>;

// Guarantees: an assumed pod counts on its node until it is confirmed by add_pod(), moved by what
// add_pod() says, or
//   given up by forget().
// Runs on: its owner's executor.
class Cache {
 public:
  // A pod that has a node; also confirms an assumed one, and replaces one that changed.
  void add_pod(const PodInfoRef& pod);
  void remove_pod(const api::ObjectKey& key);
  void assume(const PodInfoRef& pod, const std::string& node);
  void forget(const api::ObjectKey& key);
  bool is_assumed(const api::ObjectKey& key) const;
  bool holds(const api::ObjectKey& key) const { return pods_.contains(key); }
  PodInfoRef find(const api::ObjectKey& key) const;  // null: it stands nowhere

  void set_node(NodeRef node);
  void remove_node(const std::string& name);
  const NodeInfo* node(const std::string& name) const;
  // All known nodes; the order is that in which they came. Valid until the next change of a node.
  const std::vector<NodeInfo*>& nodes() const { return list_; }
  // Of all nodes: a decision that looks at these pods can be spared.
  std::size_t pods_with_affinity() const { return with_affinity_; }
  std::size_t pods_with_required_anti() const { return with_required_anti_; }
  std::size_t nodes_with_image(const std::string& name) const;

  // A pod that waits for room on a node; the room is kept from pods that matter less.
  void nominate(const PodInfoRef& pod, const std::string& node);
  void drop_nomination(const api::ObjectKey& key);
  std::string nominated_node(const api::ObjectKey& key) const;
  bool has_nominations() const { return !nominated_.empty(); }
  // Those that wait for this node, `except` left out.
  std::vector<PodInfoRef> nominated_to(const std::string& node, const api::ObjectKey& except) const;

  void set_namespace(const std::string& name, api::Labels labels);
  void remove_namespace(const std::string& name) { namespaces_.erase(name); }
  NamespaceLabels namespace_labels() const;

  void set_budget(const api::ObjectKey& key, BudgetRef budget);
  const std::map<api::ObjectKey, BudgetRef>& budgets() const { return budgets_; }

  Storage& storage() { return storage_; }
  const Storage& storage() const { return storage_; }
  PodGroups& groups() { return groups_; }
  const PodGroups& groups() const { return groups_; }

 private:
  struct Placed {
    PodInfoRef pod;
    std::string node;
    bool assumed = false;
  };
  void place(const PodInfoRef& pod, const std::string& node, bool assumed);
  NodeInfo& info(const std::string& name);
  void drop_if_unused(const std::string& name);
  void count_images(const corev1::Node& node, bool there);

  std::map<std::string, std::unique_ptr<NodeInfo>> by_name_;
  std::vector<NodeInfo*> list_;
  std::map<api::ObjectKey, Placed> pods_;
  std::map<std::string, std::size_t> images_;  // nodes that have it
  std::size_t with_affinity_ = 0;
  std::size_t with_required_anti_ = 0;
  std::map<api::ObjectKey, std::pair<PodInfoRef, std::string>> nominated_;
  std::map<std::string, api::Labels> namespaces_;
  std::map<api::ObjectKey, BudgetRef> budgets_;
  Storage storage_;
  PodGroups groups_;
};

}  // namespace kpp::scheduler
