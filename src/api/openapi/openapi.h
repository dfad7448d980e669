// OpenAPI documents made from the schema: what kubectl needs for explain, apply and validation.
#pragma once

#include <string>
#include <string_view>

#include "api/schema.h"

namespace kpp::api {

// The OpenAPI v3 document, as JSON text, of one group version: its schemas and the paths of its
// resources.
std::string openapi_v3(std::string_view group, std::string_view version);

// The OpenAPI v2 document of all served group versions.
std::string openapi_v2();

// "api/v1" or "apis/apps/v1": the document's place below /openapi/v3/.
std::string openapi_path(std::string_view group, std::string_view version);

}  // namespace kpp::api
