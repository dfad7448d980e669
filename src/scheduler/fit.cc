#include "scheduler/fit.h"

#include <algorithm>

namespace kpp::scheduler {

Fit::Fit(const PodInfo& pod, const Cache& cache, const Plugins& plugins)
    : pod_(&pod), cache_(&cache) {
  for (const auto& plugin : plugins) {
    if (auto names = plugin->only_nodes(pod)) {
      only_ = std::move(names);
      only_by_ = plugin->name();
    }
    Prepared prepared = plugin->prepare(pod, cache);
    if (!prepared.refusal.empty()) {
      refusal_ = std::move(prepared.refusal);
      refused_by_ = plugin->bit();
      return;
    }
    if (prepared.filter) parts_.push_back({plugin->bit(), std::move(prepared.filter)});
  }
}

Fit::Fit(const Fit& other)
    : pod_(other.pod_),
      cache_(other.cache_),
      refusal_(other.refusal_),
      refused_by_(other.refused_by_),
      only_(other.only_),
      only_by_(other.only_by_) {
  for (const auto& part : other.parts_) parts_.push_back({part.bit, part.filter->clone()});
}

Verdict Fit::ask(const NodeInfo& node, std::uint32_t& bit) const {
  for (const auto& part : parts_) {
    Verdict verdict = part.filter->filter(node);
    if (verdict.fits()) continue;
    bit = part.bit;
    return verdict;
  }
  return {};
}

Verdict Fit::check(const NodeInfo& node, std::uint32_t& bit) const {
  if (cache_->has_nominations()) {
    auto waiting = cache_->nominated_to(node.node->metadata.name, pod_->key());
    std::erase_if(waiting, [this](const auto& p) { return p->priority() < pod_->priority(); });
    if (!waiting.empty()) {
      NodeInfo crowded = node;
      Fit beside(*this);
      for (const auto& pod : waiting) {
        beside.placed(*pod, node);
        crowded.add_pod(pod);
      }
      Verdict verdict = beside.ask(crowded, bit);
      if (!verdict.fits()) return verdict;
    }
  }
  // Those that wait may never come: it must fit without them too.
  return ask(node, bit);
}

void Fit::placed(const PodInfo& other, const NodeInfo& node) {
  for (auto& part : parts_) part.filter->placed(other, node);
}

void Fit::removed(const PodInfo& other, const NodeInfo& node) {
  for (auto& part : parts_) part.filter->removed(other, node);
}

VolumePlan Fit::volumes(const NodeInfo& node) const {
  VolumePlan out;
  for (const auto& part : parts_) {
    VolumePlan plan = part.filter->volumes(node);
    if (!plan.empty()) out = std::move(plan);
  }
  return out;
}

}  // namespace kpp::scheduler
