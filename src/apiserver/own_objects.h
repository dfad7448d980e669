// Objects that the server itself keeps in the store.
#pragma once

#include <optional>

#include "api/schema.h"
#include "apiserver/call.h"
#include "async/task.h"
#include "base/status.h"
#include "store/store.h"

namespace kpp::apiserver {

enum class IfThere {
  kLeave,
  kAddRights,  // a role or a binding gets what it lacks (auth/rbac_reconcile); others are left
  kReplace,
};

// The write that makes the object, by what the cache shows; nullopt: nothing is to be done. One
// that is replaced keeps its metadata.
Result<std::optional<store::Write>> write_of(Core& core, api::Object object, IfThere there);

// Makes the object, again where another server was quicker with a version that differs. That one
// goes on being quicker is no error.
async::Task<Status> keep_object(Core& core, api::Object object, IfThere there,
                                async::StopToken stop);

}  // namespace kpp::apiserver
