#include "scheduler/cycle.h"

#include <algorithm>
#include <map>

#include "base/cat.h"

namespace kpp::scheduler {

namespace {

constexpr std::size_t kMinNodesToFind = 100;

// What a pod asks for that no plugin here decides on; such a pod must wait rather than stand where
// it may not.
std::string_view outside_slice(const corev1::Pod& pod) {
  const auto& spec = pod.spec;
  if (spec.affinity) {
    const auto& affinity = *spec.affinity;
    if ((affinity.pod_affinity &&
         !affinity.pod_affinity->required_during_scheduling_ignored_during_execution.empty()) ||
        (affinity.pod_anti_affinity &&
         !affinity.pod_anti_affinity->required_during_scheduling_ignored_during_execution
              .empty())) {
      return "this scheduler does not serve required pod affinity";
    }
  }
  for (const auto& constraint : spec.topology_spread_constraints) {
    if (constraint.when_unsatisfiable == "DoNotSchedule") {
      return "this scheduler does not serve topology spread constraints with DoNotSchedule";
    }
  }
  for (const auto& volume : spec.volumes) {
    if (volume.volume_source.persistent_volume_claim || volume.volume_source.ephemeral) {
      return "this scheduler does not serve persistent volume claims";
    }
  }
  if (!spec.resource_claims.empty()) return "this scheduler does not serve resource claims";
  return {};
}

std::string histogram(const std::map<std::string, int>& counts) {
  std::vector<std::string> lines;
  for (const auto& [reason, count] : counts) lines.push_back(cat(count, " ", reason));
  std::sort(lines.begin(), lines.end());
  return join(lines, ", ");
}

}  // namespace

// Reasons of the nodes that refused, for the message.
struct Cycle::Refusals {
  std::size_t nodes = 0;
  std::map<std::string, int> reasons;
  int hopeless = 0;        // nodes that would refuse an empty node's worth too
  int lower_priority = 0;  // nodes where pods of lower priority stand in the way
  int no_victims = 0;
  std::uint32_t bits = 0;

  void add(const Verdict& verdict, std::uint32_t bit, const PodInfo& pod, const NodeInfo& node) {
    for (const auto& reason : verdict.reasons) ++reasons[reason];
    bits |= bit;
    if (verdict.kind == Verdict::Kind::kNeverHere) {
      ++hopeless;
      return;
    }
    const auto priority = pod.pod->spec.priority.value_or(0);
    const bool lower = std::any_of(
        node.pods.begin(), node.pods.end(),
        [&](const PodInfoRef& other) { return other->pod->spec.priority.value_or(0) < priority; });
    ++(lower ? lower_priority : no_victims);
  }

  std::string message(const PodInfo& pod) const {
    const std::string head = cat("0/", nodes, " nodes are available:");
    std::map<std::string, int> preemption;
    if (hopeless > 0) preemption["Preemption is not helpful for scheduling"] = hopeless;
    if (no_victims > 0) preemption["No preemption victims found for incoming pod"] = no_victims;
    if (lower_priority > 0)
      preemption["Pods of lower priority are not evicted by this scheduler"] = lower_priority;
    const std::string why = pod.pod->spec.preemption_policy.value_or("") == "Never"
                                ? std::string("not eligible due to preemptionPolicy=Never.")
                                : cat(head, " ", histogram(preemption), ".");
    return cat(head, " ", histogram(reasons), ". no new claims to deallocate, preemption: ", why);
  }
};

std::size_t Cycle::wanted_nodes(std::size_t all) const {
  if (all < kMinNodesToFind) return all;
  auto percentage = static_cast<std::size_t>(percentage_);
  if (percentage_ == 0) {
    const std::size_t less = all / 125;
    percentage = less < 45 ? 50 - less : 5;
  }
  if (percentage >= 100) return all;
  return std::max(all * percentage / 100, kMinNodesToFind);
}

Decision Cycle::decide(const PodInfo& pod, const Cache& cache) {
  const auto& nodes = cache.nodes();
  if (nodes.empty()) return {{}, "no nodes available to schedule pods", kAllPluginBits};
  if (const auto outside = outside_slice(*pod.pod); !outside.empty()) {
    return {{}, cat("0/", nodes.size(), " nodes are available: ", outside, "."), kOutsideSliceBit};
  }
  std::optional<std::set<std::string>> only;
  std::string only_by;
  for (const auto& plugin : filters_) {
    if (auto names = plugin->only_nodes(pod)) {
      only = std::move(names);
      only_by = plugin->name();
    }
  }

  std::vector<const FilterPlugin*> filters;
  for (const auto& plugin : filters_) {
    if (plugin->applies(pod)) filters.push_back(plugin.get());
  }

  Refusals refusals;
  refusals.nodes = nodes.size();
  std::vector<const NodeInfo*> fitting;
  const std::size_t wanted = only ? nodes.size() : wanted_nodes(nodes.size());
  std::size_t seen = 0;
  for (; seen < nodes.size() && fitting.size() < wanted; ++seen) {
    const NodeInfo& node = *nodes[(next_start_ + seen) % nodes.size()];
    if (only && !only->contains(node.node->metadata.name)) {
      refusals.add(Verdict::never(cat("node(s) didn't satisfy plugin(s) [", only_by, "]")),
                   kNodeAffinityBit, pod, node);
      continue;
    }
    bool fits = true;
    for (const FilterPlugin* plugin : filters) {
      const Verdict verdict = plugin->filter(pod, node);
      if (verdict.fits()) continue;
      refusals.add(verdict, plugin->bit(), pod, node);
      fits = false;
      break;
    }
    if (fits) fitting.push_back(&node);
  }
  next_start_ = (next_start_ + seen) % nodes.size();
  if (fitting.empty()) return {{}, refusals.message(pod), refusals.bits};
  return {best(pod, fitting)->node->metadata.name, {}, 0};
}

const NodeInfo* Cycle::best(const PodInfo& pod, const std::vector<const NodeInfo*>& fitting) {
  if (fitting.size() == 1) return fitting.front();
  std::vector<std::int64_t> totals(fitting.size(), 0);
  std::vector<std::int64_t> scores(fitting.size());
  for (const auto& plugin : scores_) {
    if (!plugin->applies(pod)) continue;
    for (std::size_t i = 0; i < fitting.size(); ++i) scores[i] = plugin->score(pod, *fitting[i]);
    plugin->normalize(scores);
    for (std::size_t i = 0; i < fitting.size(); ++i) totals[i] += scores[i] * plugin->weight();
  }
  std::size_t best = 0;
  std::uint32_t ties = 1;
  for (std::size_t i = 1; i < totals.size(); ++i) {
    if (totals[i] > totals[best]) {
      best = i;
      ties = 1;
    } else if (totals[i] == totals[best]) {
      ++ties;
      if (random_() % ties == 0) best = i;
    }
  }
  return fitting[best];
}

}  // namespace kpp::scheduler
