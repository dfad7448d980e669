#include "scheduler/cycle.h"

#include <algorithm>
#include <map>

#include "base/cat.h"
#include "scheduler/histogram.h"
#include "scheduler/preemption.h"

namespace kpp::scheduler {

namespace {

constexpr std::size_t kMinNodesToFind = 100;

// What a pod asks for that no plugin here decides on; such a pod must wait rather than stand where
// it may not.
std::string_view outside_slice(const corev1::Pod& pod) {
  if (!pod.spec.resource_claims.empty()) return "this scheduler does not serve resource claims";
  return {};
}

}  // namespace

// What the nodes that refused said.
struct Cycle::Refusals {
  std::size_t nodes = 0;
  std::map<std::string, int> reasons;
  std::size_t hopeless = 0;                 // nodes that would refuse it whatever stood there
  std::vector<const NodeInfo*> resolvable;  // the others
  std::uint32_t bits = 0;

  void add(const Verdict& verdict, std::uint32_t bit, const NodeInfo& node) {
    for (const auto& reason : verdict.reasons) ++reasons[reason];
    bits |= bit;
    if (verdict.kind == Verdict::Kind::kNeverHere) {
      ++hopeless;
    } else {
      resolvable.push_back(&node);
    }
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
  Decision out;
  const auto& nodes = cache.nodes();
  if (nodes.empty()) {
    out.message = "no nodes available to schedule pods";
    out.refused_by = kAllPluginBits;
    return out;
  }
  const std::string head = cat("0/", nodes.size(), " nodes are available: ");
  if (const auto outside = outside_slice(*pod.pod); !outside.empty()) {
    out.message = cat(head, outside, ".");
    out.refused_by = kOutsideSliceBit;
    return out;
  }
  const Fit fit(pod, cache, filters_);
  if (!fit.refusal().empty()) {
    // "not found": the state of claims of devices, of which nobody has made any by now.
    out.message = cat(head, fit.refusal(), ". not found");
    out.refused_by = fit.refused_by();
    return out;
  }
  std::uint32_t bit = 0;
  if (const NodeInfo* kept = cache.node(cache.nominated_node(pod.key()));
      kept != nullptr && kept->node && fit.check(*kept, bit).fits()) {
    out.node = kept->node->metadata.name;
    out.volumes = fit.volumes(*kept);
    return out;
  }
  const auto& only = fit.only_nodes();
  Refusals refusals;
  refusals.nodes = nodes.size();
  std::vector<const NodeInfo*> fitting;
  const std::size_t wanted = only ? nodes.size() : wanted_nodes(nodes.size());
  std::size_t seen = 0;
  for (; seen < nodes.size() && fitting.size() < wanted; ++seen) {
    const NodeInfo& node = *nodes[(next_start_ + seen) % nodes.size()];
    if (only && !only->contains(node.node->metadata.name)) {
      refusals.add(
          Verdict::never(cat("node(s) didn't satisfy plugin(s) [", fit.only_nodes_by(), "]")),
          kNodeAffinityBit, node);
      continue;
    }
    const Verdict verdict = fit.check(node, bit);
    if (verdict.fits()) {
      fitting.push_back(&node);
    } else {
      refusals.add(verdict, bit, node);
    }
  }
  next_start_ = (next_start_ + seen) % nodes.size();
  if (fitting.empty()) return refuse(pod, cache, fit, refusals);
  const NodeInfo& chosen = *best(pod, cache, fitting);
  out.node = chosen.node->metadata.name;
  out.volumes = fit.volumes(chosen);
  return out;
}

Decision Cycle::refuse(const PodInfo& pod, const Cache& cache, const Fit& fit,
                       const Refusals& refusals) {
  Decision out;
  out.refused_by = refusals.bits;
  out.message =
      cat("0/", refusals.nodes, " nodes are available: ", histogram(refusals.reasons), ".");
  const std::string kept = cache.nominated_node(pod.key());
  const bool resolvable =
      std::any_of(refusals.resolvable.begin(), refusals.resolvable.end(),
                  [&](const NodeInfo* node) { return node->node->metadata.name == kept; });
  std::string why_not = why_not_eligible(pod, cache, resolvable);
  if (why_not.empty()) {
    const std::size_t first =
        refusals.resolvable.empty() ? 0 : random_() % refusals.resolvable.size();
    auto found = find_preemption(pod, cache, fit, refusals.resolvable, refusals.hopeless, first);
    if (found.node != nullptr) {
      out.nominated = found.node->node->metadata.name;
      out.victims = std::move(found.victims);
      return out;
    }
    out.drop_nomination = !kept.empty();
    why_not = std::move(found.why_not);
  }
  out.message += cat(" no new claims to deallocate, preemption: ", why_not);
  return out;
}

const NodeInfo* Cycle::best(const PodInfo& pod, const Cache& cache,
                            const std::vector<const NodeInfo*>& fitting) {
  if (fitting.size() == 1) return fitting.front();
  std::vector<std::int64_t> totals(fitting.size(), 0);
  std::vector<std::int64_t> scores(fitting.size());
  for (const auto& plugin : scores_) {
    if (!plugin->applies(pod)) continue;
    if (const auto prepared = plugin->prepare(pod, cache, fitting)) {
      for (std::size_t i = 0; i < fitting.size(); ++i) scores[i] = prepared->score(*fitting[i]);
      prepared->normalize(scores, fitting);
    } else {
      for (std::size_t i = 0; i < fitting.size(); ++i) scores[i] = plugin->score(pod, *fitting[i]);
      plugin->normalize(scores);
    }
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
