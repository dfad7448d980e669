#include <algorithm>

#include "scheduler/plugins/plugin.h"
#include "scheduler/plugins/pod_claims.h"

namespace kpp::scheduler {

namespace {

bool is_for_one_pod(const corev1::PersistentVolumeClaim& claim) {
  const auto& modes = claim.spec.access_modes;
  return std::find(modes.begin(), modes.end(), "ReadWriteOncePod") != modes.end();
}

// Two pods cannot both have the disk on one node.
bool conflicts(const corev1::VolumeSource& a, const corev1::VolumeSource& b) {
  if (a.gce_persistent_disk && b.gce_persistent_disk) {
    return a.gce_persistent_disk->pd_name == b.gce_persistent_disk->pd_name &&
           !(a.gce_persistent_disk->read_only && b.gce_persistent_disk->read_only);
  }
  if (a.aws_elastic_block_store && b.aws_elastic_block_store)
    return a.aws_elastic_block_store->volume_id == b.aws_elastic_block_store->volume_id;
  if (a.iscsi && b.iscsi)
    return a.iscsi->iqn == b.iscsi->iqn && !(a.iscsi->read_only && b.iscsi->read_only);
  if (a.rbd && b.rbd) {
    const auto& monitors = b.rbd->monitors;
    const bool shared = std::any_of(
        a.rbd->monitors.begin(), a.rbd->monitors.end(), [&](const std::string& monitor) {
          return std::find(monitors.begin(), monitors.end(), monitor) != monitors.end();
        });
    return shared && a.rbd->pool == b.rbd->pool && a.rbd->image == b.rbd->image &&
           !(a.rbd->read_only && b.rbd->read_only);
  }
  return false;
}

bool is_exclusive(const corev1::VolumeSource& source) {
  return source.gce_persistent_disk || source.aws_elastic_block_store || source.iscsi || source.rbd;
}

class RestrictionsFilter final : public PodFilter {
 public:
  RestrictionsFilter(const PodInfo& pod, std::set<std::string> claims, const Cache& cache)
      : pod_(&pod), claims_(std::move(claims)) {
    if (claims_.empty()) return;
    for (const NodeInfo* node : cache.nodes()) {
      for (const auto& other : node->pods) users_ += uses(*other->pod);
    }
  }
  std::unique_ptr<PodFilter> clone() const override {
    return std::make_unique<RestrictionsFilter>(*this);
  }
  void placed(const PodInfo& other, const NodeInfo& /*node*/) override {
    users_ += uses(*other.pod);
  }
  void removed(const PodInfo& other, const NodeInfo& /*node*/) override {
    users_ -= uses(*other.pod);
  }

  Verdict filter(const NodeInfo& node) const override {
    for (const auto& volume : pod_->pod->spec.volumes) {
      if (!is_exclusive(volume.volume_source)) continue;
      for (const auto& other : node.pods) {
        for (const auto& theirs : other->pod->spec.volumes) {
          if (conflicts(volume.volume_source, theirs.volume_source))
            return Verdict::no("node(s) had no available disk");
        }
      }
    }
    if (users_ > 0) {
      return Verdict::no(
          "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
          "already in-use by another pod");
    }
    return {};
  }

 private:
  int uses(const corev1::Pod& other) const {
    if (other.metadata.namespace_ != pod_->pod->metadata.namespace_) return 0;
    int out = 0;
    for (const auto& volume : other.spec.volumes) {
      const auto& source = volume.volume_source.persistent_volume_claim;
      if (source && claims_.contains(source->claim_name)) ++out;
    }
    return out;
  }

  const PodInfo* pod_;
  std::set<std::string> claims_;  // that one pod alone may use
  int users_ = 0;
};

class VolumeRestrictions final : public FilterPlugin {
 public:
  std::string_view name() const override { return "VolumeRestrictions"; }
  std::uint32_t bit() const override { return kVolumeRestrictionsBit; }
  Prepared prepare(const PodInfo& pod, const Cache& cache) const override {
    std::set<std::string> claims;
    bool exclusive = false;
    for (const auto& volume : pod.pod->spec.volumes) {
      exclusive = exclusive || is_exclusive(volume.volume_source);
      const auto& source = volume.volume_source.persistent_volume_claim;
      if (!source) continue;
      const auto claim = cache.storage().claim({pod.pod->metadata.namespace_, source->claim_name});
      if (!claim)
        return {cat("persistentvolumeclaim ", quoted(source->claim_name), " not found"), nullptr};
      if (is_for_one_pod(*claim)) claims.insert(source->claim_name);
    }
    if (claims.empty() && !exclusive) return {};
    return {{}, std::make_unique<RestrictionsFilter>(pod, std::move(claims), cache)};
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_volume_restrictions() {
  return std::make_unique<VolumeRestrictions>();
}

}  // namespace kpp::scheduler
