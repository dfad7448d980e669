// What a controller has written and not yet seen come back by its watch.
#pragma once

#include <map>
#include <set>
#include <string>

#include "api/meta.h"
#include "base/clock.h"

namespace kpp::controllers {

// Guarantees: satisfied() is true for a key without expectations, once all have been seen, or after
// 5 minutes (a
//   missed event must not block for ever).
// Runs on: one thread.
class Expectations {
 public:
  explicit Expectations(const Clock& clock) : clock_(clock) {}

  void expect_creations(const api::ObjectKey& key, int count);
  void expect_deletions(const api::ObjectKey& key, std::set<std::string> uids);
  void expect(const api::ObjectKey& key, int creations, std::set<std::string> deletions);
  void creation_seen(const api::ObjectKey& key);
  void deletion_seen(const api::ObjectKey& key, const std::string& uid);
  bool satisfied(const api::ObjectKey& key) const;
  void forget(const api::ObjectKey& key) { pending_.erase(key); }

 private:
  struct Pending {
    int creations = 0;
    std::set<std::string> deletions;
    TimePoint since;
  };
  const Clock& clock_;
  std::map<api::ObjectKey, Pending> pending_;
};

}  // namespace kpp::controllers
