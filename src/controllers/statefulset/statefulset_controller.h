// Keeps the numbered pods of stateful sets, each with its own claims, and rolls out changes.
#pragma once

#include "controllers/controller.h"
#include "controllers/statefulset/statefulset_sync.h"

namespace kpp::controllers {

class StatefulSetController final : public Controller {
 public:
  explicit StatefulSetController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using SetRef = std::shared_ptr<const appsv1::StatefulSet>;

  void on_pod(const PodRef& before, const PodRef& after);
  SetRef set_of(const std::string& namespace_, const metav1::OwnerReference* controller) const;
  async::Task<Result<std::vector<PodRef>>> claim_pods(SetRef set, async::StopToken stop);
  async::Task<Result<StatefulSetSync::Revisions>> find_revisions(SetRef set,
                                                                 std::vector<RevisionRef> all,
                                                                 async::StopToken stop);
  async::Task<Result<RevisionRef>> create_revision(SetRef set, std::int64_t number,
                                                   std::int32_t& collisions, async::StopToken stop);
  async::Task<Status> clean_history(SetRef set, std::vector<RevisionRef> all,
                                    std::vector<PodRef> pods, StatefulSetSync::Revisions revisions,
                                    async::StopToken stop);

  Lister<appsv1::StatefulSet> sets_;
  Lister<appsv1::ControllerRevision> revisions_;
  Lister<corev1::Pod> pods_;
  Lister<corev1::PersistentVolumeClaim> claims_;
};

}  // namespace kpp::controllers
