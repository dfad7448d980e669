// Which phases of a command run: all, all but some (--skip-phases), or one (`kubeadm init phase`).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kpp::kubeadm {

// A phase, and the parts that it has: certs has ca, apiserver, ...
struct Phase {
  std::string_view name;
  std::vector<std::string_view> parts;
};

const std::vector<Phase>& init_phases();
const std::vector<Phase>& join_phases();
const std::vector<Phase>& reset_phases();

class PhaseChoice {
 public:
  // Every phase.
  PhaseChoice() = default;
  // Each of `skipped` is a phase, "certs", or a part of one, "certs/ca". kInvalid for another name.
  static Result<PhaseChoice> all_but(const std::vector<Phase>& known,
                                     const std::vector<std::string>& skipped);
  // "certs ca" or "certs", which is "certs all". kInvalid for another name.
  static Result<PhaseChoice> only(const std::vector<Phase>& known,
                                  const std::vector<std::string>& words);

  // Of a phase with parts: whether any of them runs.
  bool wants(std::string_view phase) const;
  // Whether it is one phase by itself: what comes before and after it is the person's.
  bool is_alone() const { return alone_; }

 private:
  std::optional<std::set<std::string, std::less<>>> wanted_;  // parts, and phases that have none
  bool alone_ = false;
};

}  // namespace kpp::kubeadm
