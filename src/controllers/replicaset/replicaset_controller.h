// Keeps as many pods of a replica set, or of a replication controller, as its spec says.
#pragma once

#include "api/appsv1.h"
#include "controllers/controller.h"
#include "controllers/expectations.h"
#include "controllers/pod_control.h"
#include "controllers/replicaset/replicaset_pods.h"

namespace kpp::controllers {

// T is ReplicaSet or ReplicationController; what is decided is decided about a replica set, which
// the other is read as.
template <class T>
class ReplicasController final : public Controller {
 public:
  explicit ReplicasController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using SetRef = std::shared_ptr<const appsv1::ReplicaSet>;

  SetRef set(const api::ObjectKey& key) const;
  std::vector<SetRef> sets_in(const std::string& namespace_) const;

  void on_pod(const PodRef& before, const PodRef& after);
  void on_pod_gone(const PodRef& pod);
  void enqueue_orphan_takers(const corev1::Pod& pod);
  // The set that a reference means, by name and uid; nullptr if there is none.
  SetRef set_of(const std::string& namespace_, const metav1::OwnerReference* controller) const;

  // The set's pods after adopting and releasing.
  async::Task<Result<std::vector<PodRef>>> claim_pods(SetRef set, async::StopToken stop);
  async::Task<Status> manage(SetRef set, std::vector<PodRef> active, async::StopToken stop);
  async::Task<Status> write_status(SetRef set, appsv1::ReplicaSetStatus status,
                                   async::StopToken stop);
  std::vector<PodRef> related_pods(const appsv1::ReplicaSet& set) const;

  PodControl pod_control_;
  Expectations expectations_;
  Lister<T> sets_;
  Lister<corev1::Pod> pods_;
};

extern template class ReplicasController<appsv1::ReplicaSet>;
extern template class ReplicasController<corev1::ReplicationController>;
using ReplicaSetController = ReplicasController<appsv1::ReplicaSet>;
using ReplicationControllerController = ReplicasController<corev1::ReplicationController>;

}  // namespace kpp::controllers
