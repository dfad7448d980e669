// Uniform access to the members of generated structs: one operations table for every element type,
// messages and scalars alike. What the codecs and all other schema-driven code walk objects with.
#pragma once

#include "api/schema.h"

namespace kpp::api {

// Operations on the containers (list, optional, map) of the field's element type. For fields with
// scalar elements `make`, `destroy` and `assign` work on the element.
const TypeOps& element_ops(const FieldDesc& field);

inline const void* member_of(const void* object, const FieldDesc& field) {
  return static_cast<const char*>(object) + field.offset;
}
inline void* member_of(void* object, const FieldDesc& field) {
  return static_cast<char*>(object) + field.offset;
}

// Whether the element (a field's value, an item of a list) is the zero value of its type. Messages
// are never zero.
bool is_zero(FieldType type, const void* element);

// Whether the field stands in the object's JSON form, by the original's omitempty rules.
bool is_present(const FieldDesc& field, const void* object);

// Removes what the field holds.
void clear_field(const FieldDesc& field, void* object);

}  // namespace kpp::api
