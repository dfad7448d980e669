#include "client/testing/fake_store.h"

namespace kpp::client::testing {

FakeStore::Doc FakeStore::get(const api::TypeDesc& type, const api::ObjectKey& key) const {
  const auto of_type = objects_.find(&type);
  if (of_type == objects_.end()) return nullptr;
  const auto it = of_type->second.find(key);
  return it == of_type->second.end() ? nullptr : it->second;
}

std::vector<FakeStore::Doc> FakeStore::list(const api::TypeDesc& type,
                                            const std::string& namespace_) const {
  std::vector<Doc> out;
  const auto of_type = objects_.find(&type);
  if (of_type == objects_.end()) return out;
  for (const auto& [key, doc] : of_type->second) {
    if (namespace_.empty() || key.namespace_ == namespace_) out.push_back(doc);
  }
  return out;
}

FakeStore::Doc FakeStore::put(const api::TypeDesc& type, const api::ObjectKey& key,
                              json::Value document) {
  ++revision_;
  document.as_object()["metadata"].as_object()["resourceVersion"] = std::to_string(revision_);
  Doc after = std::make_shared<const json::Value>(std::move(document));
  Doc& slot = objects_[&type][key];
  history_.push_back({revision_, &type, key, slot, after});
  slot = after;
  changed_.pulse();
  return after;
}

FakeStore::Doc FakeStore::erase(const api::TypeDesc& type, const api::ObjectKey& key) {
  const Doc before = get(type, key);
  if (!before) return nullptr;
  ++revision_;
  objects_[&type].erase(key);
  json::Value last = *before;
  last.as_object()["metadata"].as_object()["resourceVersion"] = std::to_string(revision_);
  Doc out = std::make_shared<const json::Value>(std::move(last));
  history_.push_back({revision_, &type, key, out, nullptr});
  changed_.pulse();
  return out;
}

}  // namespace kpp::client::testing
