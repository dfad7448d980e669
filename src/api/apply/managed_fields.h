// metadata.managedFields of writes that are not an apply.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/schema.h"
#include "api/types.h"

namespace kpp::api {

// Who writes, and what of the object the write cannot set.
struct UpdateContext {
  std::string manager;
  std::string api_version;  // of the object as it was sent
  std::string subresource;  // empty for the object itself
  Time time;
  // Paths that the strategy resets on this road, such as "status"; nobody owns them by it.
  std::span<const std::string_view> reset_paths;
};

// Brings the managed fields of `now` up to date: what changed belongs to the writer, what is gone
// to nobody. `old` is the stored object, or nullptr for a creation. Entries that the client sent
// are taken over if they can be read; otherwise, and by way of a subresource, those of `old` stay.
// A stored object without entries is not tracked.
void track_update(const TypeDesc& desc, const void* old, void* now, const UpdateContext& context);

}  // namespace kpp::api
