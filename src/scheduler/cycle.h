// One decision: which node a pod gets, or why none.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "scheduler/fit.h"

namespace kpp::scheduler {

struct Decision {
  std::string node;              // empty: none
  VolumePlan volumes;            // to be written before the pod is bound to the node
  std::string message;           // why none, as the API shows it
  std::uint32_t refused_by = 0;  // PluginBits
  // No node fits, but this one will when the victims are gone.
  std::string nominated;
  std::vector<PodInfoRef> victims;
  bool drop_nomination = false;  // the node that was kept for the pod is of no use to it
};

// Filters the nodes, scores those that fit, takes the best (one of the best by chance); where none
// fits, looks for pods of lower priority to make room.
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
  Decision refuse(const PodInfo& pod, const Cache& cache, const Fit& fit, const Refusals& refusals);
  const NodeInfo* best(const PodInfo& pod, const Cache& cache,
                       const std::vector<const NodeInfo*>& fitting);

  const int percentage_;
  std::vector<std::unique_ptr<FilterPlugin>> filters_;
  std::vector<std::unique_ptr<ScorePlugin>> scores_;
  std::size_t next_start_ = 0;
  std::minstd_rand random_;
};

}  // namespace kpp::scheduler
