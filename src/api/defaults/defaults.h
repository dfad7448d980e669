// The defaults of the original's scheme: what an object gets between decoding and admission.
#pragma once

#include "api/schema.h"

namespace kpp::api {

// Fills every unset field of the object that has a default, at every depth. Idempotent.
void apply_defaults(const TypeDesc& desc, void* object);
inline void apply_defaults(Object& object) { apply_defaults(object.desc(), object.data()); }
template <class T>
void apply_defaults(T& object) {
  apply_defaults(T::desc(), &object);
}

}  // namespace kpp::api
