// Which revisions each key has, in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/types.h"

namespace kpp::store {

// One write to a key.
struct Version {
  Revision revision = 0;
  Revision create_revision = 0;  // 0: it deleted the key
  bool deleted() const { return create_revision == 0; }
};

// The revisions of every key that are not compacted.
//
// Guarantees: an answer about revision R stays the same until prune() goes beyond R.
// Runs on: one thread changes it and may call newest(); the rest is thread-safe.
class KeyIndex {
 public:
  struct Change {
    std::string key;
    Version version;
  };
  struct Found {
    std::string key;
    Version version;
  };

  // The last version, a deletion too; all zero if the key is unknown.
  Version newest(std::string_view key) const;
  // Revisions must grow from call to call.
  void apply(std::vector<Change> changes);
  // The version that is there at the revision; nullopt if the key is not.
  std::optional<Version> find(std::string_view key, Revision at) const;
  // Keys with the prefix after `after` that are there at the revision, in order, at most `limit`.
  std::vector<Found> collect(std::string_view prefix, std::string_view after, Revision at,
                             std::size_t limit) const;
  std::int64_t count(std::string_view prefix, std::string_view after, Revision at) const;
  // Forgets what was superseded at `upto` in the next `keys` keys after `cursor`, moves the cursor,
  // and gives the revisions forgotten, older ones of a key first. Done when it clears the cursor.
  std::vector<Revision> prune(Revision upto, std::optional<std::string>& cursor, std::size_t keys);

 private:
  using History = std::vector<Version>;  // by revision
  using Map = std::map<std::string, History, std::less<>>;
  Map::const_iterator first_of(std::string_view prefix, std::string_view after) const;

  mutable std::shared_mutex mutex_;
  Map keys_;  // guarded by mutex_
};

}  // namespace kpp::store
