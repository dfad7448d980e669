// Whether tolerations cover a taint.
#pragma once

#include <vector>

#include "api/corev1.h"

namespace kpp::scheduler {

bool tolerates(const corev1::Toleration& toleration, const corev1::Taint& taint);
bool any_tolerates(const std::vector<corev1::Toleration>& tolerations, const corev1::Taint& taint);

}  // namespace kpp::scheduler
