// The objects of a FakeApi and the history of their changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/meta.h"
#include "async/wait.h"
#include "codec/json.h"

namespace kpp::client::testing {

// Documents by type and key, every change with a revision. Runs on: its executor only.
class FakeStore {
 public:
  using Doc = std::shared_ptr<const json::Value>;
  struct Change {
    std::int64_t revision;
    const api::TypeDesc* type;
    api::ObjectKey key;
    Doc before, after;  // null: was, is not there
  };

  explicit FakeStore(async::Executor& executor) : changed_(executor) {}

  Doc get(const api::TypeDesc& type, const api::ObjectKey& key) const;
  // All of a type; in one namespace unless it is empty.
  std::vector<Doc> list(const api::TypeDesc& type, const std::string& namespace_) const;
  // Writes metadata.resourceVersion.
  Doc put(const api::TypeDesc& type, const api::ObjectKey& key, json::Value document);
  // Gives the last state, with the revision of the deletion.
  Doc erase(const api::TypeDesc& type, const api::ObjectKey& key);

  std::int64_t revision() const { return revision_; }
  const std::vector<Change>& history() const { return history_; }
  // Watches from older revisions are refused from now on.
  void compact() { compacted_ = revision_; }
  std::int64_t compacted() const { return compacted_; }
  async::Event& changed() { return changed_; }

 private:
  std::map<const api::TypeDesc*, std::map<api::ObjectKey, Doc>> objects_;
  std::vector<Change> history_;
  std::int64_t revision_ = 1;
  std::int64_t compacted_ = 0;
  async::Event changed_;
};

}  // namespace kpp::client::testing
