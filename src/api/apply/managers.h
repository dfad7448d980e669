// Who owns which fields of an object: metadata.managedFields, read.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/apply/compare.h"
#include "api/apply/field_set.h"
#include "api/metav1.h"
#include "api/types.h"
#include "base/status.h"

namespace kpp::api {

struct Manager {
  std::string name;
  bool applied = false;  // by an apply; else by updates
  std::string api_version;
  std::string subresource;
  std::optional<Time> time;
  FieldSet fields;

  // Appliers are one whatever version they apply.
  bool same_as(const Manager& other) const;
};

using Managers = std::vector<Manager>;

// Errors: kBadRequest for entries that cannot be read.
Result<Managers> decode_managers(const std::vector<metav1::ManagedFieldsEntry>& entries);
// Sorted as the original sorts them: appliers first, then by time and name.
std::vector<metav1::ManagedFieldsEntry> encode_managers(Managers managers);

// Fields that a write by one road cannot set, so that nobody comes to own them by it.
struct ResetFields {
  std::vector<std::vector<std::string_view>> reset;  // with everything below
  std::vector<std::vector<std::string_view>>
      kept;  // if there are any, all others are reset; "*" is any element

  void drop(FieldSet& fields) const;
};

// Drops what identifies the object or is set by the server: nobody owns it.
void drop_identity(FieldSet& fields);

// Merges the oldest updaters of a version into one until at most ten are left.
void cap_updaters(Managers& managers);

// The entries of a Scale that stands for an object with its replicas at `replicas` (path elements),
// and back: who wrote replicas by way of the Scale takes them from the object's managers.
Managers scale_managers(const Managers& parent, std::span<const std::string_view> replicas);
Managers parent_managers(const Managers& parent, Managers scale, std::string_view parent_version,
                         std::span<const std::string_view> replicas);

}  // namespace kpp::api
