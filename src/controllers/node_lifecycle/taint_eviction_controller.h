// Deletes pods from nodes whose NoExecute taints they do not tolerate, at once or when their time
// is over.
#pragma once

#include <map>
#include <optional>

#include "api/corev1.h"
#include "controllers/controller.h"

namespace kpp::controllers {

// How long a pod may stay on a node with these taints: nullopt for ever; zero: not at all.
std::optional<Duration> tolerated_for(const corev1::Pod& pod,
                                      const std::vector<corev1::Taint>& taints);

class TaintEvictionController final : public Controller {
 public:
  explicit TaintEvictionController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Lister<corev1::Node> nodes_;
  Lister<corev1::Pod> pods_;
  std::map<api::ObjectKey, TimePoint> deadlines_;  // of pods that may stay for a while
};

}  // namespace kpp::controllers
