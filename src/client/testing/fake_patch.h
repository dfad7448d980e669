// Patches on documents, and selectors, as a FakeApi needs them.
#pragma once

#include <string_view>

#include "api/schema.h"
#include "codec/json.h"

namespace kpp::client::testing {

void merge_patch(json::Value& target, const json::Value& patch);
// With the type's merge keys; of the directives only "$patch": "delete" on list elements has an
// effect.
void strategic_patch(json::Value& target, const json::Value& patch, const api::TypeDesc* type);
// add, replace, remove and test; false if an operation does not fit.
bool json_patch(json::Value& target, const json::Value& operations);

bool matches_labels(const json::Value& document, std::string_view selector);
// Compares the text at each path.
bool matches_fields(const json::Value& document, std::string_view selector);

}  // namespace kpp::client::testing
