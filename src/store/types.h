// Plain data of the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kpp::store {

// Position in the one order of all writes; grows by one with each; 0 is "before the first".
using Revision = std::int64_t;

// Value bytes, shared between the store's events, the watch cache and answers in flight.
using Bytes = std::shared_ptr<const std::string>;

struct Entry {
  std::string key;
  Bytes value;
  Revision create_revision = 0;
  Revision mod_revision = 0;
};

struct Event {
  enum class Type : std::uint8_t { kPut, kDelete };
  Type type = Type::kPut;
  Entry entry;  // for a delete: the key, no value, mod_revision of the delete
};

// What a watch gives at a time.
struct WatchBatch {
  std::vector<Event> events;  // oldest first; none if only the revision has moved on
  Revision revision = 0;      // every event up to it that the watch selects has been given
};

// One write, guarded by the key's present state.
struct Write {
  std::string key;
  Bytes value;  // nullptr deletes
  // The mod_revision that the key must have; 0: it must not exist; nullopt: no guard.
  std::optional<Revision> expected_revision;
  // Deleted when so long has passed without another write to the key; 0: never.
  std::chrono::seconds ttl{0};
};

struct RangeOptions {
  std::string prefix;        // keys that begin so
  std::string start_after;   // exclusive; for the next page
  std::size_t limit = 0;     // 0: all
  Revision at_revision = 0;  // 0: now
};

struct RangeResult {
  std::vector<Entry> entries;  // by key
  Revision revision = 0;       // that the answer is of
  bool more = false;
  std::int64_t remaining = 0;  // keys after the last one given, where `more`
};

}  // namespace kpp::store
