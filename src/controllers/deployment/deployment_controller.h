// Rolls out the templates of deployments by way of replica sets.
#pragma once

#include "api/appsv1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

class DeploymentController final : public Controller {
 public:
  explicit DeploymentController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using SetRef = std::shared_ptr<const appsv1::ReplicaSet>;
  using DeploymentRef = std::shared_ptr<const appsv1::Deployment>;
  using PodRef = std::shared_ptr<const corev1::Pod>;

  void on_set(const SetRef& before, const SetRef& after);
  void on_pod(const PodRef& before, const PodRef& after);
  DeploymentRef deployment_of(const std::string& namespace_,
                              const metav1::OwnerReference* controller) const;
  async::Task<Result<std::vector<appsv1::ReplicaSet>>> claim_sets(DeploymentRef deployment,
                                                                  async::StopToken stop);

  Lister<appsv1::Deployment> deployments_;
  Lister<appsv1::ReplicaSet> sets_;
  Lister<corev1::Pod> pods_;
};

}  // namespace kpp::controllers
