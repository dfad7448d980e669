// The kernel's table of our rules, kept equal to what is wanted.
#pragma once

#include <optional>

#include "async/task.h"
#include "base/status.h"
#include "linux/commands.h"
#include "network/ruleset.h"

namespace kpp::network {

// Guarantees: a change is one transaction of nft(8): every packet meets the old rules or the new
//   ones. The first time, after a failure and after forget() the table is made anew, in one
//   transaction too. Nothing runs when nothing has changed.
// Ownership: commands must outlive it. Runs on: its owner's executor, one call at a time.
class RuleTable {
 public:
  explicit RuleTable(sys::Commands& commands) : commands_(commands) {}

  async::Task<Status> apply(Ruleset wanted);
  // Somebody took the table away.
  void forget() { standing_.reset(); }

 private:
  sys::Commands& commands_;
  std::optional<Ruleset> standing_;
};

}  // namespace kpp::network
