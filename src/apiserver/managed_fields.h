// metadata.managedFields of updates: who set what (KEP-555), for writes that are not an apply.
#pragma once

#include "api/schema.h"
#include "apiserver/call.h"
#include "base/status.h"

namespace kpp::apiserver {

// Brings now's managedFields up to date for a change by the call's field manager. `old` is nullptr for a creation; it
// is the object before the change, in the served version. kInvalid when a client edited the list badly.
Status track_managed_fields(const Call& call, const api::Object* old, api::Object& now);

}  // namespace kpp::apiserver
