// Resource quotas: what a namespace may use in all.
#pragma once

#include "apiserver/admission/admission.h"
#include "apiserver/call.h"
#include "async/task.h"
#include "base/status.h"

namespace kpp::apiserver {

// Charges a write that is about to be stored to the quotas of its namespace: refuses what exceeds
// one (kForbidden), else adds to their status.used. A dry run is checked only. A charge whose write
// fails later stays until the quota controller counts again.
async::Task<Status> charge_quotas(Call& call, const api::Object& object, AdmissionRequest request);

}  // namespace kpp::apiserver
