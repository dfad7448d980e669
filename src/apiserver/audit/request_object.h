// The object that a request carries, as an audit event shows it.
#pragma once

#include "apiserver/audit/trail.h"
#include "apiserver/call.h"

namespace kpp::apiserver {

// Tells the trail the object's identity and, where the policy wants it, the object itself. A body
// that cannot be read says nothing; the handler refuses it.
void note_request_object(const Call& call, AuditTrail& trail);

}  // namespace kpp::apiserver
