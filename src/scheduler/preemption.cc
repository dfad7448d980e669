#include "scheduler/preemption.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "base/cat.h"
#include "scheduler/histogram.h"

namespace kpp::scheduler {
namespace {

constexpr std::size_t kMinCandidates = 100;
constexpr std::size_t kCandidatesPercentage = 10;

struct Candidate {
  const NodeInfo* node;
  std::vector<PodInfoRef> victims;
  std::int64_t violations = 0;  // of disruption budgets
};

WallTime started(const PodInfo& pod) {
  const auto& time = pod.pod->status.start_time;
  return time ? time->wall() : WallTime::max();
}

bool more_important(const PodInfoRef& a, const PodInfoRef& b) {
  if (a->priority() != b->priority()) return a->priority() > b->priority();
  return started(*a) < started(*b);
}

// Splits pods into those whose eviction breaks a budget and the others; the order is kept.
class Budgets {
 public:
  explicit Budgets(const Cache& cache) {
    for (const auto& [key, budget] : cache.budgets()) {
      if (!budget->spec.selector) continue;
      auto selector = api::LabelSelector::from(*budget->spec.selector);
      if (!selector || selector->empty()) continue;
      all_.push_back({budget, std::move(*selector), budget->status.disruptions_allowed});
    }
  }
  bool violates(const corev1::Pod& pod) {
    if (pod.metadata.labels.empty()) return false;
    bool out = false;
    for (auto& entry : all_) {
      if (entry.budget->metadata.namespace_ != pod.metadata.namespace_ ||
          !entry.selector.matches(pod.metadata.labels) ||
          entry.budget->status.disrupted_pods.contains(pod.metadata.name)) {
        continue;
      }
      if (--entry.allowed < 0) out = true;
    }
    return out;
  }

 private:
  struct Entry {
    BudgetRef budget;
    api::LabelSelector selector;
    std::int64_t allowed;
  };
  std::vector<Entry> all_;
};

// The pods of the node without which the pod fits: as few and as unimportant as can be.
Verdict choose_victims(const PodInfo& pod, const Cache& cache, const Fit& all, Candidate& out) {
  std::vector<PodInfoRef> lower;
  for (const auto& other : out.node->pods) {
    if (other->priority() < pod.priority()) lower.push_back(other);
  }
  if (lower.empty()) return Verdict::never("No preemption victims found for incoming pod");
  NodeInfo node = *out.node;
  Fit fit(all);
  for (const auto& other : lower) {
    fit.removed(*other, node);
    node.remove_pod(other->key());
  }
  std::uint32_t bit = 0;
  Verdict alone = fit.check(node, bit);
  if (!alone.fits()) return alone;
  std::sort(lower.begin(), lower.end(), more_important);
  Budgets budgets(cache);
  std::vector<PodInfoRef> guarded;
  std::vector<PodInfoRef> others;
  for (const auto& other : lower)
    (budgets.violates(*other->pod) ? guarded : others).push_back(other);
  const auto stays = [&](const PodInfoRef& other) {
    fit.placed(*other, node);
    node.add_pod(other);
    if (fit.check(node, bit).fits()) return true;
    fit.removed(*other, node);
    node.remove_pod(other->key());
    out.victims.push_back(other);
    return false;
  };
  for (const auto& other : guarded) {
    if (!stays(other)) ++out.violations;
  }
  for (const auto& other : others) stays(other);
  std::sort(out.victims.begin(), out.victims.end(), more_important);
  return {};
}

// The smaller, the better: by what is lost on the node.
auto loss(const Candidate& candidate) {
  std::int64_t sum = 0;
  std::int32_t highest = std::numeric_limits<std::int32_t>::min();
  for (const auto& victim : candidate.victims) {
    // So that a few pods of negative priority are not better than many.
    sum += static_cast<std::int64_t>(victim->priority()) + (1LL << 31);
    highest = std::max(highest, victim->priority());
  }
  WallTime oldest = WallTime::max();  // of the most important
  for (const auto& victim : candidate.victims) {
    if (victim->priority() == highest) oldest = std::min(oldest, started(*victim));
  }
  return std::tuple(candidate.violations, highest, sum, candidate.victims.size(),
                    -oldest.time_since_epoch().count());
}

}  // namespace

Preemption find_preemption(const PodInfo& pod, const Cache& cache, const Fit& fit,
                           const std::vector<const NodeInfo*>& candidates, std::size_t hopeless,
                           std::size_t first) {
  Preemption out;
  std::map<std::string, int> reasons;
  if (hopeless > 0)
    reasons["Preemption is not helpful for scheduling"] = static_cast<int>(hopeless);
  const std::size_t enough =
      std::max(candidates.size() * kCandidatesPercentage / 100, kMinCandidates);
  std::vector<Candidate> found;
  for (std::size_t i = 0; i < candidates.size() && found.size() < enough; ++i) {
    Candidate candidate{candidates[(first + i) % candidates.size()], {}, 0};
    const Verdict verdict = choose_victims(pod, cache, fit, candidate);
    if (!verdict.fits()) {
      for (const auto& reason : verdict.reasons) ++reasons[reason];
    } else if (!candidate.victims.empty()) {
      found.push_back(std::move(candidate));
    }
  }
  if (found.empty()) {
    out.why_not =
        cat("0/", candidates.size() + hopeless, " nodes are available: ", histogram(reasons), ".");
    return out;
  }
  auto best = std::min_element(found.begin(), found.end(),
                               [](const auto& a, const auto& b) { return loss(a) < loss(b); });
  out.node = best->node;
  out.victims = std::move(best->victims);
  return out;
}

std::string why_not_eligible(const PodInfo& pod, const Cache& cache, bool resolvable) {
  if (pod.pod->spec.preemption_policy.value_or("") == "Never")
    return "not eligible due to preemptionPolicy=Never.";
  const NodeInfo* kept = cache.node(cache.nominated_node(pod.key()));
  if (kept == nullptr || !resolvable) return {};
  const bool leaving =
      std::any_of(kept->pods.begin(), kept->pods.end(), [&](const PodInfoRef& other) {
        if (other->priority() >= pod.priority() || !other->pod->metadata.deletion_timestamp)
          return false;
        const auto& conditions = other->pod->status.conditions;
        return std::any_of(conditions.begin(), conditions.end(), [](const auto& condition) {
          return condition.type == "DisruptionTarget" && condition.status == "True" &&
                 condition.reason == "PreemptionByScheduler";
        });
      });
  return leaving ? "not eligible due to a terminating pod on the nominated node." : "";
}

}  // namespace kpp::scheduler
