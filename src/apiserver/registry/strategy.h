// What a kind adds to the generic handlers: a value of functions, chosen by type. A new kind is a
// schema, a strategy (or the default one) and its validation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/meta.h"
#include "api/schema.h"
#include "apiserver/auth/user.h"
#include "base/clock.h"
#include "base/status.h"

namespace kpp::apiserver {

struct StrategyContext {
  WallTime now;
  const User& user;
  std::string_view subresource;
};

struct Strategy {
  // Brings a new object into its first state: status cleared, generation set. Null: nothing to do.
  void (*prepare_create)(api::Object& object, const StrategyContext&) = nullptr;
  // Brings an update in line: what users may not set is taken from `old`; generation raised when
  // the spec changed.
  void (*prepare_update)(api::Object& object, const api::Object& old,
                         const StrategyContext&) = nullptr;
  // The same for /status: everything but status is taken from `old`.
  void (*prepare_status_update)(api::Object& object, const api::Object& old,
                                const StrategyContext&) = nullptr;
  // PUT of a name that does not exist creates it.
  bool create_on_update = false;
  // PUT without resourceVersion is allowed.
  bool unconditional_update = true;
  // Grace of a deletion when the request names none; negative: the kind knows no grace.
  std::int64_t (*default_grace)(const api::Object& object) = nullptr;
  // Deletion without a policy orphans the dependents (kinds of the old days).
  bool orphan_by_default = false;
  // DELETE answers with the object even when it is gone at once.
  bool answers_deleted_object = false;
  // Top-level fields that nobody comes to own by a write of the main resource, beside those that
  // are not the user's.
  std::vector<std::string_view> untracked;
  // The same for a write of the status subresource; dotted paths.
  std::vector<std::string_view> status_untracked = {"spec"};
  // Annotations that a version makes of fields: forms that show metadata only do not have them.
  std::vector<std::string_view> made_annotations;
  // Fields that the field selector may name beside metadata.name and metadata.namespace, with their
  // values.
  std::vector<std::pair<std::string, std::string>> (*selectable)(const api::Object& object) =
      nullptr;
};

// The strategy of a type; the default one for kinds without special rules: spec changes raise
// metadata.generation where the kind has it, status is kept from users. Never fails.
const Strategy& strategy_of(const api::TypeDesc& type);

// Generic pieces that strategies are made of; they work on any kind with "spec" and "status"
// members.
void clear_field(api::Object& object, std::string_view field);
void copy_field(api::Object& to, const api::Object& from, std::string_view field);
bool field_equal(const api::Object& a, const api::Object& b, std::string_view field);

}  // namespace kpp::apiserver
