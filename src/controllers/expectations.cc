#include "controllers/expectations.h"

namespace kpp::controllers {
namespace {

constexpr Duration kTimeout = std::chrono::minutes(5);

}  // namespace

void Expectations::expect_creations(const api::ObjectKey& key, int count) {
  expect(key, count, {});
}

void Expectations::expect_deletions(const api::ObjectKey& key, std::set<std::string> uids) {
  expect(key, 0, std::move(uids));
}

void Expectations::expect(const api::ObjectKey& key, int creations,
                          std::set<std::string> deletions) {
  pending_[key] = Pending{creations, std::move(deletions), clock_.steady()};
}

void Expectations::creation_seen(const api::ObjectKey& key) {
  const auto it = pending_.find(key);
  if (it != pending_.end() && it->second.creations > 0) --it->second.creations;
}

void Expectations::deletion_seen(const api::ObjectKey& key, const std::string& uid) {
  const auto it = pending_.find(key);
  if (it != pending_.end()) it->second.deletions.erase(uid);
}

bool Expectations::satisfied(const api::ObjectKey& key) const {
  const auto it = pending_.find(key);
  if (it == pending_.end()) return true;
  if (it->second.creations == 0 && it->second.deletions.empty()) return true;
  return clock_.steady() - it->second.since > kTimeout;
}

}  // namespace kpp::controllers
