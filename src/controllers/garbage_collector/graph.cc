#include "controllers/garbage_collector/graph.h"

#include <algorithm>

namespace kpp::controllers {

bool has_finalizer(const metav1::ObjectMeta& meta, std::string_view finalizer) {
  return std::find(meta.finalizers.begin(), meta.finalizers.end(), finalizer) !=
         meta.finalizers.end();
}

void OwnerGraph::unlink(const std::string& uid, const metav1::ObjectMeta& meta) {
  for (const auto& owner : meta.owner_references) {
    const auto it = dependents_.find(owner.uid);
    if (it == dependents_.end()) continue;
    it->second.erase(uid);
    if (it->second.empty()) dependents_.erase(it);
  }
}

void OwnerGraph::set(const api::TypeDesc& type, client::InformerBase::Ref object) {
  const std::string uid = api::metadata(type, object->data())->uid;
  if (const Node* old = find(uid)) unlink(uid, old->meta());
  Node& node = nodes_[uid];
  node = Node{&type, std::move(object)};
  for (const auto& owner : node.meta().owner_references) dependents_[owner.uid].insert(uid);
}

void OwnerGraph::remove(const std::string& uid) {
  const auto it = nodes_.find(uid);
  if (it == nodes_.end()) return;
  unlink(uid, it->second.meta());
  nodes_.erase(it);
}

const OwnerGraph::Node* OwnerGraph::find(const std::string& uid) const {
  const auto it = nodes_.find(uid);
  return it == nodes_.end() ? nullptr : &it->second;
}

std::vector<std::string> OwnerGraph::dependents(const std::string& owner_uid) const {
  const auto it = dependents_.find(owner_uid);
  if (it == dependents_.end()) return {};
  return {it->second.begin(), it->second.end()};
}

std::vector<std::string> OwnerGraph::blocking_dependents(const std::string& owner_uid) const {
  std::vector<std::string> out;
  for (const auto& uid : dependents(owner_uid)) {
    const Node* node = find(uid);
    if (!node) continue;
    const auto& owners = node->meta().owner_references;
    const bool blocks = std::any_of(owners.begin(), owners.end(), [&](const auto& o) {
      return o.uid == owner_uid && o.block_owner_deletion.value_or(false);
    });
    if (blocks) out.push_back(uid);
  }
  return out;
}

}  // namespace kpp::controllers
