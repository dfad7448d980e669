// metadata.managedFields of writes that are not an apply.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/apply/managers.h"
#include "api/schema.h"
#include "api/types.h"

namespace kpp::api {

// Who writes, and what of the object the write cannot set.
struct UpdateContext {
  std::string manager;
  std::string api_version;  // of the object as it was sent
  std::string subresource;  // empty for the object itself
  Time time;
  ResetFields resets;
  // Lists that the client sent as [], by their dotted paths.
  std::span<const std::string> empty_lists;
  // The object in another version; nullopt if its kind is not served in it. Unset: there is no
  // other version.
  std::function<std::optional<Object>(const void* object, std::string_view api_version)> convert;
};

// Brings the managed fields of `now` up to date: what changed belongs to the writer, what is gone
// to nobody. `old` is the stored object, or nullptr for a creation. Entries that the client sent
// are taken over if they can be read; otherwise, and by way of a subresource, those of `old` stay.
// A stored object without entries is not tracked.
void track_update(const TypeDesc& desc, const void* old, void* now, const UpdateContext& context);

// The step within: what changed from `old` to `now` (nullptr: from nothing) belongs to the writer,
// what is gone to nobody.
void record_update(const TypeDesc& desc, const void* old, const void* now, Managers& managers,
                   const UpdateContext& context);

}  // namespace kpp::api
