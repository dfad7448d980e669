#include "store/sqlite/key_index.h"

#include <algorithm>
#include <mutex>

namespace kpp::store {
namespace {

std::optional<Version> version_at(const std::vector<Version>& history, Revision at) {
  const auto after = std::upper_bound(history.begin(), history.end(), at,
                                      [](Revision r, const Version& v) { return r < v.revision; });
  if (after == history.begin() || std::prev(after)->deleted()) return std::nullopt;
  return *std::prev(after);
}

}  // namespace

Version KeyIndex::newest(std::string_view key) const {
  // Unlocked: only the calling thread changes the map.
  const auto found = keys_.find(key);
  return found == keys_.end() ? Version{} : found->second.back();
}

void KeyIndex::apply(std::vector<Change> changes) {
  const std::unique_lock lock(mutex_);
  for (auto& change : changes) keys_[std::move(change.key)].push_back(change.version);
}

std::optional<Version> KeyIndex::find(std::string_view key, Revision at) const {
  const std::shared_lock lock(mutex_);
  const auto found = keys_.find(key);
  if (found == keys_.end()) return std::nullopt;
  return version_at(found->second, at);
}

KeyIndex::Map::const_iterator KeyIndex::first_of(std::string_view prefix,
                                                 std::string_view after) const {
  return after < prefix ? keys_.lower_bound(prefix) : keys_.upper_bound(after);
}

std::vector<KeyIndex::Found> KeyIndex::collect(std::string_view prefix, std::string_view after,
                                               Revision at, std::size_t limit) const {
  std::vector<Found> out;
  const std::shared_lock lock(mutex_);
  for (auto it = first_of(prefix, after); it != keys_.end() && it->first.starts_with(prefix);
       ++it) {
    if (out.size() == limit) break;
    if (const auto version = version_at(it->second, at)) out.push_back({it->first, *version});
  }
  return out;
}

std::int64_t KeyIndex::count(std::string_view prefix, std::string_view after, Revision at) const {
  std::int64_t out = 0;
  const std::shared_lock lock(mutex_);
  for (auto it = first_of(prefix, after); it != keys_.end() && it->first.starts_with(prefix);
       ++it) {
    if (version_at(it->second, at)) ++out;
  }
  return out;
}

std::vector<Revision> KeyIndex::prune(Revision upto, std::optional<std::string>& cursor,
                                      std::size_t keys) {
  std::vector<Revision> out;
  const std::unique_lock lock(mutex_);
  auto it = cursor ? keys_.lower_bound(*cursor) : keys_.begin();
  for (; it != keys_.end() && keys > 0; --keys) {
    History& history = it->second;
    auto keep = std::upper_bound(history.begin(), history.end(), upto,
                                 [](Revision r, const Version& v) { return r < v.revision; });
    // The newest at `upto` stays, unless it says that the key is gone.
    if (keep != history.begin() && !std::prev(keep)->deleted()) --keep;
    for (auto gone = history.begin(); gone != keep; ++gone) out.push_back(gone->revision);
    history.erase(history.begin(), keep);
    it = history.empty() ? keys_.erase(it) : std::next(it);
  }
  if (it == keys_.end()) {
    cursor.reset();
  } else {
    cursor = it->first;
  }
  return out;
}

}  // namespace kpp::store
