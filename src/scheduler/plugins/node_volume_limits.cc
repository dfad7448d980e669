#include <algorithm>

#include "scheduler/plugins/plugin.h"
#include "scheduler/plugins/pod_claims.h"

namespace kpp::scheduler {

namespace {

// Volumes of CSI drivers that a pod uses, by driver: their handles.
using Handles = std::map<std::string, std::set<std::string>>;

void add_handles(Handles& out, const corev1::Pod& pod, const Storage& storage) {
  for (const auto& volume : pod.spec.volumes) {
    const std::string name = api::claim_of_volume(pod, volume);
    if (name.empty()) continue;
    const auto claim = storage.claim({pod.metadata.namespace_, name});
    if (!claim) continue;
    if (const auto bound = storage.volume(claim->spec.volume_name)) {
      const auto& csi = bound->spec.persistent_volume_source.csi;
      if (csi) out[csi->driver].insert(csi->volume_handle);
    } else if (const auto made_by = storage.storage_class(api::storage_class_of(*claim))) {
      // Not made yet: it will be one of this driver's.
      out[made_by->provisioner].insert(cat(pod.metadata.namespace_, "/", name));
    }
  }
}

class LimitsFilter final : public PodFilter {
 public:
  LimitsFilter(Handles wanted, const Storage& storage)
      : wanted_(std::move(wanted)), storage_(&storage) {}
  std::unique_ptr<PodFilter> clone() const override {
    return std::make_unique<LimitsFilter>(*this);
  }
  Verdict filter(const NodeInfo& info) const override {
    const auto limits = storage_->node_limits(info.node->metadata.name);
    if (!limits) return {};
    Handles there;
    for (const auto& other : info.pods) add_handles(there, *other->pod, *storage_);
    for (const auto& driver : limits->spec.drivers) {
      if (!driver.allocatable || !driver.allocatable->count) continue;
      const auto wanted = wanted_.find(driver.name);
      if (wanted == wanted_.end()) continue;
      const auto& attached = there[driver.name];
      const auto news =
          std::count_if(wanted->second.begin(), wanted->second.end(),
                        [&](const auto& handle) { return !attached.contains(handle); });
      if (news > 0 &&
          static_cast<std::int64_t>(attached.size()) + news > *driver.allocatable->count)
        return Verdict::no("node(s) exceed max volume count");
    }
    return {};
  }

 private:
  Handles wanted_;
  const Storage* storage_;
};

class NodeVolumeLimits final : public FilterPlugin {
 public:
  std::string_view name() const override { return "NodeVolumeLimits"; }
  std::uint32_t bit() const override { return kNodeVolumeLimitsBit; }
  Prepared prepare(const PodInfo& pod, const Cache& cache) const override {
    Handles wanted;
    add_handles(wanted, *pod.pod, cache.storage());
    if (wanted.empty()) return {};
    return {{}, std::make_unique<LimitsFilter>(std::move(wanted), cache.storage())};
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_node_volume_limits() {
  return std::make_unique<NodeVolumeLimits>();
}

}  // namespace kpp::scheduler
