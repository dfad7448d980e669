// What a mutation's expression answers, applied to an object.
#pragma once

#include "api/schema.h"
#include "base/status.h"
#include "cel/value.h"

namespace kpp::apiserver {

// The object with an Object{...} laid over it, as an apply without an owner would. Errors: what a
// user is told; atomic lists and maps may not be set.
Result<api::Object> apply_configuration(const api::Object& object, const cel::Value& configuration);

// The object after a list of JSONPatch{...}; unchanged where a test operation fails.
Result<api::Object> apply_json_patches(const api::Object& object, const cel::Value& patches);

}  // namespace kpp::apiserver
