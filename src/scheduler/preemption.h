// Which pods make room for one that matters more.
#pragma once

#include <string>
#include <vector>

#include "scheduler/fit.h"

namespace kpp::scheduler {

struct Preemption {
  const NodeInfo* node = nullptr;   // null: no pods can make room
  std::vector<PodInfoRef> victims;  // the most important first
  std::string why_not;              // as the API shows it
};

// Looks on nodes that refused the pod, but would not refuse it whatever stands there
// (`candidates`), for pods of lower priority without which it fits, and takes the node where they
// matter least: disruption budgets first, then priorities, then number, then age. `hopeless` nodes
// are counted in the message only. `first`: where the search begins.
Preemption find_preemption(const PodInfo& pod, const Cache& cache, const Fit& fit,
                           const std::vector<const NodeInfo*>& candidates, std::size_t hopeless,
                           std::size_t first);

// Why the pod may not have others evicted now; empty: it may. `resolvable`: the node that is kept
// for it may still become free.
std::string why_not_eligible(const PodInfo& pod, const Cache& cache, bool resolvable);

}  // namespace kpp::scheduler
