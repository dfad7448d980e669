// The rules that an object must keep, kind by kind, as far as the object alone (and what it was
// before) can tell.
#pragma once

#include <string>
#include <vector>

#include "api/schema.h"
#include "base/clock.h"
#include "validation/field_errors.h"

namespace kpp::validation {

struct Context {
  WallTime now;
  bool is_status = false;
  std::string subresource;  // "status", "ephemeralcontainers", "resize", "approval", ...; empty:
                            // the object itself
};

// Whether the kind has rules of its own. A version without them is checked as another version of
// it.
bool has_rules(const api::TypeDesc& type);

// The errors of a new object, which has been defaulted. Objects of kinds without rules of their own
// are held to the rules of metadata.
FieldErrors validate_create(const api::Object& object, const Context& context);

// The errors of an update from `old` to `object`, both of one type, defaulted, with what the
// request may not change (status, or all but status) already carried over.
FieldErrors validate_update(const api::Object& object, const api::Object& old,
                            const Context& context);

// Texts of Warning headers for a create (`old` nullptr) or an update that was accepted.
std::vector<std::string> warnings(const api::Object& object, const api::Object* old);

}  // namespace kpp::validation
