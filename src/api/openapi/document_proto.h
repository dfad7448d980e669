// The OpenAPI v2 document as a protobuf message: what kubectl before 1.28 asks for.
#pragma once

#include <string>

#include "codec/json.h"

namespace kpp::api {

// The bytes of an openapi.v2.Document with what the JSON document says. Values without a field of
// their own (x-... members, defaults, enums) stand in it as YAML text, as the format wants it.
std::string openapi_v2_proto(const json::Value& document);

}  // namespace kpp::api
