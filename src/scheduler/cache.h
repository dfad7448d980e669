// The scheduler's picture of the cluster: nodes and what stands on them, with decisions not yet
// confirmed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/types.h"

namespace kpp::scheduler {

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

  void set_node(NodeRef node);
  void remove_node(const std::string& name);
  const NodeInfo* node(const std::string& name) const;
  // All known nodes; the order is that in which they came. Valid until the next change of a node.
  const std::vector<NodeInfo*>& nodes() const { return list_; }

 private:
  struct Placed {
    PodInfoRef pod;
    std::string node;
    bool assumed = false;
  };
  void place(const PodInfoRef& pod, const std::string& node, bool assumed);
  NodeInfo& info(const std::string& name);
  void drop_if_unused(const std::string& name);

  std::map<std::string, std::unique_ptr<NodeInfo>> by_name_;
  std::vector<NodeInfo*> list_;
  std::map<api::ObjectKey, Placed> pods_;
};

}  // namespace kpp::scheduler
