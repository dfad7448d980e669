// The schema of one type in the two dialects of OpenAPI.
#pragma once

#include <set>
#include <string>

#include "api/schema.h"
#include "codec/json.h"

namespace kpp::api::openapi {

enum class Dialect : std::uint8_t { kV2, kV3 };

// Adds the schema of a type and of all types in it to `schemas`, by definition name.
void add_type(json::Object& schemas, const TypeDesc& desc, Dialect dialect);

// {"$ref": ...} to a definition.
json::Object reference(std::string_view definition, Dialect dialect);

// The value of x-kubernetes-group-version-kind on an operation.
json::Object group_version_kind(const Gvk& gvk);

}  // namespace kpp::api::openapi
