// What all objects share: metadata, keys, owners, conditions' times.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "api/metav1.h"
#include "api/schema.h"
#include "base/status.h"

namespace kpp::api {

// A resource of the API: "apps/v1 deployments".
struct Gvr {
  std::string_view group, version, resource;
};

// Name of an object within its resource.
struct ObjectKey {
  std::string namespace_;  // empty for cluster-scoped objects
  std::string name;

  std::string to_string() const { return namespace_.empty() ? name : cat(namespace_, "/", name); }
  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

// The metadata of a root object; nullptr if the type has none.
metav1::ObjectMeta* metadata(Object& object);
const metav1::ObjectMeta* metadata(const TypeDesc& desc, const void* object);

inline ObjectKey key_of(const metav1::ObjectMeta& meta) { return {meta.namespace_, meta.name}; }
template <class T>
ObjectKey key_of(const T& object) {
  return key_of(object.metadata);
}

// The owner that controls the object, or nullptr.
const metav1::OwnerReference* controller_of(const metav1::ObjectMeta& meta);
bool is_controlled_by(const metav1::ObjectMeta& meta, std::string_view owner_uid);
// A reference that makes `owner` the controller (blockOwnerDeletion set), as the original's
// controllers write it.
metav1::OwnerReference controller_reference(const TypeDesc& owner_type,
                                            const metav1::ObjectMeta& owner);

// "apps/v1", or "v1" for the core group.
std::string api_version(std::string_view group, std::string_view version);
std::string api_version(const TypeDesc& desc);

// Where a resource is served: /apis/apps/v1/namespaces/default/deployments/web/status. Empty parts
// are left out.
std::string resource_path(const TypeDesc& desc, std::string_view namespace_,
                          std::string_view name = {}, std::string_view subresource = {});

}  // namespace kpp::api
