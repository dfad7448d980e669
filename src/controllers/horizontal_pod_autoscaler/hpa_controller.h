// Sets the number of pods by what they use.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/autoscalingv2.h"
#include "controllers/controller.h"
#include "controllers/horizontal_pod_autoscaler/scaling_limits.h"

namespace kpp::controllers {

// Looks at each autoscaler every fifteen seconds. Metrics of resources come from the API group
// metrics.k8s.io; where nobody serves it, and for metrics of other kinds, the autoscaler says so in
// its condition ScalingActive and in events, and keeps to its bounds.
class HorizontalPodAutoscalerController final : public Controller {
 public:
  explicit HorizontalPodAutoscalerController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using Autoscaler = autoscalingv2::HorizontalPodAutoscaler;
  struct ScaleView;
  struct Proposal;

  async::Task<Result<ScaleView>> get_scale(Autoscaler hpa, async::StopToken stop);
  async::Task<Status> set_scale(ScaleView scale, std::int32_t replicas, async::StopToken stop);
  // What the metrics ask for; an error has been told in events and conditions.
  async::Task<Result<Proposal>> by_metrics(Autoscaler* hpa, ScaleView scale, async::StopToken stop);
  async::Task<Result<Proposal>> by_metric(Autoscaler hpa, autoscalingv2::MetricSpec metric,
                                          ScaleView scale, async::StopToken stop);
  async::Task<Status> decide(Autoscaler* hpa, ScaleView scale, async::StopToken stop);
  async::Task<Status> write(Autoscaler hpa, Autoscaler before, async::StopToken stop);
  void set_condition(Autoscaler& hpa, const char* type, bool holds, const char* reason,
                     std::string message);
  void event(const Autoscaler& hpa, const char* type, const std::string& reason,
             std::string message);

  std::map<api::ObjectKey, ScalingHistory> history_;
  Lister<Autoscaler> autoscalers_;
  Lister<corev1::Pod> pods_;
};

}  // namespace kpp::controllers
