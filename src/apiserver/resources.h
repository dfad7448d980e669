// The resources that the server serves, read from the schema.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"

namespace kpp::apiserver {

struct Strategy;

// One resource in one version. Immutable after start.
struct ServedResource {
  std::string group, version;
  const api::TypeDesc* type = nullptr;
  const api::TypeDesc* list_type = nullptr;  // nullptr: cannot be listed
  const api::ResourceDesc* desc = nullptr;
  const Strategy* strategy = nullptr;
  // The version that the store keeps (this one, for most).
  const ServedResource* storage = nullptr;

  std::string_view name() const { return desc->plural; }
  std::string_view kind() const { return type->gvks.front().kind; }
  std::string api_version() const;
  bool supports(std::string_view verb) const;
  const api::SubresourceDesc* subresource(std::string_view name) const;
  // Key of an object in the store; with an empty name the prefix of a namespace, with both empty
  // that of all.
  std::string store_key(std::string_view namespace_, std::string_view name) const;
  bool is_stored() const { return !desc->etcd_prefix.empty(); }
};

// All resources of the stable groups. Immutable after construction; thread-safe.
class ResourceTable {
 public:
  ResourceTable();
  const ServedResource* find(std::string_view group, std::string_view version,
                             std::string_view resource) const;
  const ServedResource* find_kind(std::string_view group, std::string_view version,
                                  std::string_view kind) const;
  // The preferred version's resource of a group.
  const ServedResource* find_any_version(std::string_view group, std::string_view resource) const;
  const std::vector<std::unique_ptr<ServedResource>>& all() const { return resources_; }
  bool has_group(std::string_view group) const;
  bool has_version(std::string_view group, std::string_view version) const;

 private:
  std::vector<std::unique_ptr<ServedResource>> resources_;
};

// "v1" for the core group, "apps/v1" for others.
std::string group_version(std::string_view group, std::string_view version);

}  // namespace kpp::apiserver
