#include "controllers/node_fit.h"

#include <algorithm>

namespace kpp::controllers {

bool has_untolerated_taint(const std::vector<corev1::Taint>& taints,
                           const std::vector<corev1::Toleration>& tolerations,
                           bool no_execute_only) {
  return std::any_of(taints.begin(), taints.end(), [&](const auto& taint) {
    const bool counts =
        taint.effect == "NoExecute" || (!no_execute_only && taint.effect == "NoSchedule");
    return counts && !api::any_tolerates(tolerations, taint);
  });
}

}  // namespace kpp::controllers
