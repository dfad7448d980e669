// Decides what to write for one IP family, knowing what stands in the kernel since the last time.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "proxy/rules/iptables.h"
#include "proxy/rules/model.h"

namespace kpp::proxy {

// Guarantees: without changes there is nothing to write. After a failure, or when told that the
// kernel lost our
//   chains, the next write is a full one.
// Runs on: its owner's executor.
class FamilySyncer {
 public:
  explicit FamilySyncer(IpFamily family) : family_(family) {}

  // Everything must be written anew (start, failure, flush, changed node).
  void require_full() { full_ = canaries_ = true; }
  bool needs_full() const { return full_; }
  bool needs_sync(const Model& model) const { return full_ || model.changed(family_); }

  struct Plan {
    bool full = false;
    std::string text;
    std::set<std::string> changed;
    std::set<std::string> chains;
  };
  // Takes the model's changes. `kernel` is what iptables-save printed, needed for a full plan only.
  Plan plan(Model& model, const RuleOptions& options, const KernelRules& kernel,
            bool may_remove_chains);
  void done(const Plan& plan);
  void failed(const Plan& plan);

 private:
  IpFamily family_;
  bool full_ = true;
  bool canaries_ = true;             // the next full write makes those that are missing
  std::set<std::string> chains_;     // of services, in the kernel
  std::set<std::string> unwritten_;  // changed services whose write failed
};

}  // namespace kpp::proxy
