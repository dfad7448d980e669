// metadata.managedFields of a request: who sets what (KEP-555).
#pragma once

#include <optional>
#include <string_view>

#include "api/apply/apply.h"
#include "api/apply/managed_fields.h"
#include "api/schema.h"
#include "apiserver/call.h"
#include "base/status.h"

namespace kpp::apiserver {

// Brings now's managedFields up to date for a change by the call's field manager. `old` is nullptr
// for a creation; it is the object before the change, in the served version. kInvalid when a client
// edited the list badly.
Status track_managed_fields(const Call& call, const api::Object* old, api::Object& now);

// The new state of `current` (an object without any value where there is none) after the call's
// document was applied: with its defaults and its managed fields. Errors: kConflict with a cause
// for each field of another manager; kBadRequest and kUnknown (500) as the original for documents
// that are none of the kind.
Result<api::Object> apply_to_object(const Call& call, const json::Value& config,
                                    const api::Object& current);

// A change of nothing but the times of managers is none: they stay.
void keep_managed_times(const api::Object& old, api::Object& now);

// A Scale takes its managers from the object that it stands for, and gives them back.
struct ScaleManagers {
  api::Managers parent;
  api::Managers scale;

  static ScaleManagers of(const Call& call, const metav1::ObjectMeta& parent);
  void give_back(const Call& call, metav1::ObjectMeta& parent) &&;
};
// Records a change of a Scale (both of type Scale).
void track_scale(const Call& call, const api::Object& old, const api::Object& now,
                 api::Managers& managers);
// The Scale after the call's document was applied.
Result<api::Object> apply_to_scale(const Call& call, const json::Value& config,
                                   const api::Object& live, api::Managers& managers);

}  // namespace kpp::apiserver
