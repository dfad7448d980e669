// The object that a request carries, as an audit event shows it.
#pragma once

#include <string_view>

#include "api/schema.h"
#include "apiserver/call.h"

namespace kpp::apiserver {

// Tells the call's trail, if it has one, the object's identity and, where the policy wants it, the
// object itself, with its defaults.
void note_request_object(const Call& call, const api::Object& object);
// The same for a body that is no object: a patch, or the options of a deletion, which get the kind
// that they leave out. A body that cannot be read says nothing; the handler refuses it.
void note_request_body(const Call& call, std::string_view kind = {});

}  // namespace kpp::apiserver
