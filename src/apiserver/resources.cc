#include "apiserver/resources.h"

#include <algorithm>

#include "apiserver/registry/strategy.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == word) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

std::string group_version(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : cat(group, "/", version);
}

std::string ServedResource::api_version() const { return group_version(group, version); }

bool ServedResource::supports(std::string_view verb) const { return has_word(desc->verbs, verb); }

const api::SubresourceDesc* ServedResource::subresource(std::string_view name) const {
  for (const auto& sub : desc->subresources) {
    if (sub.name == name) return &sub;
  }
  return nullptr;
}

std::string ServedResource::store_key(std::string_view namespace_, std::string_view name) const {
  const std::string_view prefix = storage->desc->etcd_prefix;
  if (!desc->namespaced || namespace_.empty()) return cat(prefix, name);
  return cat(prefix, namespace_, "/", name);
}

ResourceTable::ResourceTable() {
  for (const auto* type : api::all_types()) {
    if (type->resource == nullptr || type->gvks.empty()) continue;
    auto served = std::make_unique<ServedResource>();
    const auto& gvk = type->gvks.front();
    served->group = gvk.group;
    served->version = gvk.version;
    served->type = type;
    served->list_type = api::find_type(gvk.group, gvk.version, cat(gvk.kind, "List"));
    served->desc = type->resource;
    served->strategy = &strategy_of(*type);
    served->storage = served.get();
    resources_.push_back(std::move(served));
  }
  std::sort(resources_.begin(), resources_.end(), [](const auto& a, const auto& b) {
    return std::tuple(a->group, a->version, a->desc->plural) <
           std::tuple(b->group, b->version, b->desc->plural);
  });
  // Two kinds are kept in another version than the one asked for: autoscaling/v1 in v2,
  // events.k8s.io in core.
  for (auto& served : resources_) {
    const ServedResource* other = nullptr;
    if (served->group == "autoscaling" && served->version == "v1") {
      other = find("autoscaling", "v2", served->desc->plural);
    } else if (served->group == "events.k8s.io") {
      other = find("", "v1", "events");
    }
    if (other != nullptr) served->storage = other;
  }
}

const ServedResource* ResourceTable::find(std::string_view group, std::string_view version,
                                          std::string_view resource) const {
  for (const auto& r : resources_) {
    if (r->group == group && r->version == version && r->desc->plural == resource) return r.get();
  }
  return nullptr;
}

const ServedResource* ResourceTable::find_kind(std::string_view group, std::string_view version,
                                               std::string_view kind) const {
  for (const auto& r : resources_) {
    if (r->group == group && r->version == version && r->kind() == kind) return r.get();
  }
  return nullptr;
}

const ServedResource* ResourceTable::find_any_version(std::string_view group,
                                                      std::string_view resource) const {
  for (auto it = resources_.rbegin(); it != resources_.rend(); ++it) {
    if ((*it)->group == group && (*it)->desc->plural == resource) return it->get();
  }
  return nullptr;
}

bool ResourceTable::has_group(std::string_view group) const {
  return std::any_of(resources_.begin(), resources_.end(),
                     [&](const auto& r) { return r->group == group; });
}

bool ResourceTable::has_version(std::string_view group, std::string_view version) const {
  return std::any_of(resources_.begin(), resources_.end(),
                     [&](const auto& r) { return r->group == group && r->version == version; });
}

}  // namespace kpp::apiserver
