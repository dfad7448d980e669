// Default roles and bindings that exist already: how they get what they lack.
#pragma once

#include "api/schema.h"

namespace kpp::apiserver {

// Makes of `object`, a Role, ClusterRole or a binding as a fresh cluster has it, the object to
// write in the place of `existing`, which is of the same kind and name; false: nothing is to be
// written.
//
// Guarantees: rights, subjects, labels and annotations that were added stay. Nothing is touched
//   where the annotation rbac.authorization.kubernetes.io/autoupdate is "false". A binding to
//   another role is replaced by the default one, with no identity (no UID) yet.
bool reconcile_rights(api::Object& object, const api::Object& existing);

}  // namespace kpp::apiserver
