// The patches that are not an apply, on documents. Errors carry the original's reason and text.
#pragma once

#include "api/schema.h"
#include "base/status.h"
#include "codec/json.h"

namespace kpp::api {

// RFC 6902. Operations are done in order; the first that fails refuses the whole patch.
// Errors: kBadRequest for a patch of the wrong shape, kInvalid for an operation that fails,
//   kRequestEntityTooLarge beyond 10000 operations.
Result<json::Value> apply_json_patch(json::Value document, const json::Value& patch);

// RFC 7386: null removes, objects merge, all else replaces. Errors: kBadRequest.
Result<json::Value> apply_merge_patch(json::Value document, const json::Value& patch);

// Strategic merge along the schema: lists merge by their keys; the directives $patch, $retainKeys,
// $setElementOrder/x and $deleteFromPrimitiveList/x. Errors: kBadRequest, kInternalError.
Result<json::Value> apply_strategic_patch(json::Value document, const json::Value& patch,
                                          const TypeDesc& desc);

// The value as Go prints it with %v: map[a:1], <nil>.
std::string go_text(const json::Value& v);

}  // namespace kpp::api
