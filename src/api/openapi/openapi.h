// OpenAPI documents made from the schema, as far as clients use them: explain, apply, validation.
#pragma once

#include <string>
#include <string_view>

namespace kpp::api {

// OpenAPI 3.0 of one group version: the paths of its resources with the kind each takes, and every type they reach.
std::string openapi_v3(std::string_view group, std::string_view version);
// OpenAPI 2.0 of everything.
std::string openapi_v2();

}  // namespace kpp::api
