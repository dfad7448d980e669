// API values as the original prints its internal types in messages: JSON with Go's member names and
// order.
#pragma once

#include <string>

#include "api/schema.h"
#include "validation/field_errors.h"

namespace kpp::validation {

std::string go_json(const api::TypeDesc& desc, const void* object);
// The same, indented by one space a level: what differences are made from.
std::string go_json_indented(const api::TypeDesc& desc, const void* object);

template <class T>
Value go_value(const T& object) {
  return Value::raw(go_json(T::desc(), &object));
}
template <class T>
Value go_value(const api::Opt<T>& object) {
  return object ? go_value(*object) : Value(nullptr);
}

}  // namespace kpp::validation
