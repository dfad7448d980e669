// The road of every write: what create, update, patch and the subresources share.
#pragma once

#include <functional>

#include "apiserver/call.h"
#include "apiserver/handlers/common.h"
#include "async/task.h"
#include "base/status.h"

namespace kpp::apiserver {

// Whether an object comes with its managed fields (from an apply) or they are still to be worked
// out.
enum class FieldTracking { kWanted, kDone };

// Admits, validates and stores a new object of the call's resource.
async::Task<Result<Written>> create_object(Call& call, api::Object object,
                                           FieldTracking tracking = FieldTracking::kWanted);

// Makes the new state of an object from its present one (in the served version). May be called
// several times.
using Change = std::function<Result<api::Object>(const api::Object& current)>;

struct ModifyOptions {
  std::string subresource;
  // A conflict with another writer is tried again with the new state (patches); else it is answered
  // (PUT with a version).
  bool retry = true;
  // Reviews the change as the kind does for a change of the whole object; false for changes of the
  // server's own (binding).
  bool validate = true;
  bool track_fields = true;
  // Another UID than the object's is answered with a conflict (PUT); else it is a change that
  // validation refuses.
  bool uid_is_precondition = false;
};

// Reads, changes, admits, validates and stores; the object is deleted if it waited for its last
// finalizer only. kNotFound if there is no such object.
async::Task<Result<Written>> modify_object(Call& call, Change change, ModifyOptions options);

}  // namespace kpp::apiserver
