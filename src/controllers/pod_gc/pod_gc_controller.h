// Deletes pods that nobody else would: of nodes that are gone, those that end without a node, and
// the oldest finished ones where there are too many.
#pragma once

#include <set>

#include "controllers/controller.h"

namespace kpp::controllers {

class PodGarbageCollector final : public Controller {
 public:
  // `terminated_threshold`: finished pods beyond this many are deleted; 0: none is.
  explicit PodGarbageCollector(ControllerContext context, std::size_t terminated_threshold = 12500);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using PodRef = std::shared_ptr<const corev1::Pod>;

  void on_pod(const PodRef& before, const PodRef& after);
  // A pod whose node has been missing for long enough, by the API's own word.
  async::Task<Result<bool>> is_orphan(PodRef pod, async::StopToken stop);
  async::Task<Status> mark_and_delete(PodRef pod, std::string message, async::StopToken stop);
  async::Task<Status> remove(PodRef pod, async::StopToken stop);

  const std::size_t threshold_;
  std::set<std::pair<api::Time, api::ObjectKey>> finished_;  // the oldest first
  std::map<api::ObjectKey, TimePoint> orphaned_;             // since when
  Lister<corev1::Pod> pods_;
  Lister<corev1::Node> nodes_;
};

}  // namespace kpp::controllers
