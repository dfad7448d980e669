// One decision: which node a pod gets, or why none.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "scheduler/cache.h"
#include "scheduler/plugins/plugin.h"

namespace kpp::scheduler {

struct Decision {
  std::string node;              // empty: none
  std::string message;           // why none, as the API shows it
  std::uint32_t refused_by = 0;  // PluginBits
};

// Filters the nodes, scores those that fit, takes the best (one of the best by chance).
//
// Guarantees: looks at no more nodes than percentage_of_nodes_to_score asks for, and begins where
// the last search
//   ended, so that all nodes get their turn.
// Runs on: its owner's executor.
class Cycle {
 public:
  explicit Cycle(int percentage_of_nodes_to_score)
      : percentage_(percentage_of_nodes_to_score),
        filters_(default_filters()),
        scores_(default_scores()) {}

  Decision decide(const PodInfo& pod, const Cache& cache);

 private:
  struct Refusals;
  std::size_t wanted_nodes(std::size_t all) const;
  const NodeInfo* best(const PodInfo& pod, const std::vector<const NodeInfo*>& fitting);

  const int percentage_;
  std::vector<std::unique_ptr<FilterPlugin>> filters_;
  std::vector<std::unique_ptr<ScorePlugin>> scores_;
  std::size_t next_start_ = 0;
  std::minstd_rand random_;
};

}  // namespace kpp::scheduler
