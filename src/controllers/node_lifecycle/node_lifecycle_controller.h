// Watches over nodes: one that is silent is marked unknown and tainted, so that its pods leave.
#pragma once

#include <map>

#include "api/coordinationv1.h"
#include "api/corev1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

// The original's figures: looks every 5 s; a node that renewed neither lease nor status for 50 s
// (60 s for a new one) is silent.
class NodeLifecycleController final : public Controller {
 public:
  explicit NodeLifecycleController(ControllerContext context);

 protected:
  // Taints of one node.
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;
  async::Task<void> run_beside(async::StopToken stop) override;

 private:
  struct Health {
    api::Time heartbeat;  // of the condition Ready, as last seen
    std::string lease_rv;
    TimePoint seen;  // when one of them changed last
  };

  async::Task<void> look_at(corev1::Node node, async::StopToken stop);
  async::Task<void> mark_pods_not_ready(std::string node, async::StopToken stop);

  std::map<std::string, Health> health_;
  Lister<corev1::Node> nodes_;
  Lister<coordinationv1::Lease> leases_;
  Lister<corev1::Pod> pods_;
};

}  // namespace kpp::controllers
