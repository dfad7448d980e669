// Keeps the status of pod disruption budgets: how many pods may go just now.
#pragma once

#include "api/appsv1.h"
#include "api/policyv1.h"
#include "controllers/controller.h"
#include "controllers/pod_batch.h"

namespace kpp::controllers {

class DisruptionController final : public Controller {
 public:
  explicit DisruptionController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using Budget = policyv1::PodDisruptionBudget;
  struct Expected {
    std::int32_t pods = 0, healthy = 0;
  };

  void on_pod(const PodRef& pod);
  void event(const Budget& budget, const char* type, const char* reason, std::string message);
  // How many pods the budget speaks of, and how many of them must be healthy. Errors: the kind of a
  // pod's controller has no size.
  Result<Expected> expected(const Budget& budget, const std::vector<PodRef>& pods);
  Result<std::int32_t> size_of_controllers(const Budget& budget, const std::vector<PodRef>& pods);
  std::optional<std::int32_t> size_of(const std::string& namespace_,
                                      const metav1::OwnerReference& owner) const;
  // Pods that an eviction has taken and that are not gone yet; too old promises are dropped.
  std::map<std::string, api::Time> still_disrupted(const Budget& budget,
                                                   const std::vector<PodRef>& pods);

  Lister<Budget> budgets_;
  Lister<corev1::Pod> pods_;
  Lister<appsv1::ReplicaSet> replica_sets_;
  Lister<appsv1::Deployment> deployments_;
  Lister<appsv1::StatefulSet> stateful_sets_;
  Lister<corev1::ReplicationController> replication_controllers_;
};

}  // namespace kpp::controllers
