// Kinds that exist in two versions: from one to the other.
#pragma once

#include "api/schema.h"

namespace kpp::apiserver {

// autoscaling/v1 and v2 HorizontalPodAutoscaler, core/v1 and events.k8s.io/v1 Event; any other pair
// is a bug.
bool can_convert(const api::TypeDesc& from, const api::TypeDesc& to);
api::Object convert(const api::Object& from, const api::TypeDesc& to);

}  // namespace kpp::apiserver
