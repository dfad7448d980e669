// Gives every node its range of pod addresses, a part of the cluster's range.
#pragma once

#include "controllers/controller.h"
#include "controllers/node_ipam/cidr_set.h"

namespace kpp::controllers {

struct NodeIpamOptions {
  std::vector<std::string> cluster_cidrs;  // one, or one of each family
  std::vector<std::string> service_cidrs;  // within those above; no node gets them
  int mask_ipv4 = 24;
  int mask_ipv6 = 64;
};

class NodeIpamController final : public Controller {
 public:
  // Ranges that do not parse leave the controller idle, with a log line; validate() tells before.
  NodeIpamController(ControllerContext context, const NodeIpamOptions& options);
  static Result<std::vector<CidrSet>> sets_of(const NodeIpamOptions& options);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using NodeRef = std::shared_ptr<const corev1::Node>;
  void on_node(const NodeRef& before, const NodeRef& after);
  // True if each range lies in the cluster's.
  bool occupy(const corev1::Node& node);
  void release(const std::vector<std::string>& ranges);

  std::vector<CidrSet> sets_;
  Lister<corev1::Node> nodes_;
};

// Tells kubelets how long they may keep objects: the annotation node.alpha.kubernetes.io/ttl.
class TtlController final : public Controller {
 public:
  explicit TtlController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  void resize(int by);

  int count_ = 0;
  std::size_t step_ = 0;
  Lister<corev1::Node> nodes_;
};

}  // namespace kpp::controllers
