#include "scheduler/storage.h"

#include <algorithm>

namespace kpp::scheduler {
namespace {

template <class Map, class Key, class Ref>
void put(Map& map, const Key& key, Ref object) {
  if (object) {
    map[key] = std::move(object);
  } else {
    map.erase(key);
  }
}

template <class Map, class Key>
typename Map::mapped_type find(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

}  // namespace

void Storage::set_claim(const api::ObjectKey& key, api::ClaimRef claim) {
  put(claims_, key, std::move(claim));
}

void Storage::set_volume(const std::string& name, api::VolumeRef volume) {
  if (const auto before = find(volumes_, name)) {
    const auto list = by_class_.find(api::storage_class_of(*before));
    std::erase(list->second, before);
    if (list->second.empty()) by_class_.erase(list);
  }
  if (volume) by_class_[api::storage_class_of(*volume)].push_back(volume);
  if (!volume) promised_.erase(name);
  put(volumes_, name, std::move(volume));
}

void Storage::set_class(const std::string& name, ClassRef storage_class) {
  put(classes_, name, std::move(storage_class));
}

void Storage::set_node_limits(const std::string& name, NodeLimitsRef limits) {
  put(limits_, name, std::move(limits));
}

api::ClaimRef Storage::claim(const api::ObjectKey& key) const { return find(claims_, key); }
api::VolumeRef Storage::volume(const std::string& name) const { return find(volumes_, name); }
Storage::ClassRef Storage::storage_class(const std::string& name) const {
  return find(classes_, name);
}
Storage::NodeLimitsRef Storage::node_limits(const std::string& node) const {
  return find(limits_, node);
}

const std::vector<api::VolumeRef>& Storage::volumes_of_class(const std::string& name) const {
  static const std::vector<api::VolumeRef> kNone;
  const auto found = by_class_.find(name);
  return found == by_class_.end() ? kNone : found->second;
}

bool Storage::is_promised_away(const std::string& volume, const api::ObjectKey& claim) const {
  const auto found = promised_.find(volume);
  return found != promised_.end() && found->second != claim;
}

void Storage::assume(const VolumePlan& plan) {
  for (const auto& binding : plan.bindings) promised_[binding.volume] = binding.claim;
}

void Storage::forget(const VolumePlan& plan) {
  for (const auto& binding : plan.bindings) {
    const auto found = promised_.find(binding.volume);
    if (found != promised_.end() && found->second == binding.claim) promised_.erase(found);
  }
}

}  // namespace kpp::scheduler
