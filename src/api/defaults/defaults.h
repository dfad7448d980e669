// The defaults of the original's scheme: what an object gets between decoding and admission.
#pragma once

#include <span>
#include <string>

#include "api/schema.h"

namespace kpp::api {

// The dotted paths of lists that a client sent as []: some defaults are only for lists that are
// absent.
using SentEmpty = std::span<const std::string>;

// Fills every unset field of the object that has a default, at every depth. Idempotent.
void apply_defaults(const TypeDesc& desc, void* object, SentEmpty sent_empty = {});
inline void apply_defaults(Object& object, SentEmpty sent_empty = {}) {
  apply_defaults(object.desc(), object.data(), sent_empty);
}
template <class T>
void apply_defaults(T& object) {
  apply_defaults(T::desc(), &object);
}

}  // namespace kpp::api
