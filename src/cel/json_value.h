// JSON documents as values, read in place.
#pragma once

#include "cel/value.h"
#include "codec/json.h"

namespace kpp::cel {

// The value of a document, which outlives it. A type tells what the document cannot: whether a text
// is a time, which members an object may have; nullptr or dyn: as it stands.
Value from_json(const json::Value& document, const TypeRef& type = nullptr,
                const StructTable* structs = nullptr);

// A value as a document. Fails for what JSON has no form for.
std::optional<json::Value> to_json(const Value& value);

}  // namespace kpp::cel
