// Which fields differ between two objects of one type, by the schema's merge rules.
#pragma once

#include "api/apply/field_set.h"
#include "api/schema.h"

namespace kpp::api {

struct Comparison {
  FieldSet changed;  // added or modified
  FieldSet removed;
};

// Atomic lists, maps and structs are one field; lists of type set and map go by value and by keys.
Comparison compare_fields(const TypeDesc& desc, const void* old, const void* now);

}  // namespace kpp::api
