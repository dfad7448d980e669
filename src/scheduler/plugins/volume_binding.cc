#include <algorithm>

#include "api/quantity.h"
#include "base/cat.h"
#include "scheduler/plugins/plugin.h"
#include "scheduler/plugins/pod_claims.h"

namespace kpp::scheduler {

Result<std::vector<api::ClaimRef>> claims_of(const corev1::Pod& pod, const Storage& storage) {
  std::vector<api::ClaimRef> out;
  const std::string& ns = pod.metadata.namespace_;
  for (const auto& volume : pod.spec.volumes) {
    const std::string name = api::claim_of_volume(pod, volume);
    if (name.empty()) continue;
    const bool ephemeral = volume.volume_source.ephemeral.has_value();
    const auto claim = storage.claim({ns, name});
    if (!claim) {
      const std::string text = ephemeral
                                   ? cat("waiting for ephemeral volume controller to create the "
                                         "persistentvolumeclaim ",
                                         quoted(name))
                                   : cat("persistentvolumeclaim ", quoted(name), " not found");
      return fail(Reason::kNotFound, text);
    }
    if (claim->status.phase == "Lost") {
      return fail(Reason::kInvalid,
                  cat("persistentvolumeclaim ", quoted(name),
                      " bound to non-existent persistentvolume ", quoted(claim->spec.volume_name)));
    }
    if (claim->metadata.deletion_timestamp)
      return fail(Reason::kInvalid,
                  cat("persistentvolumeclaim ", quoted(name), " is being deleted"));
    const auto* owner = api::controller_of(claim->metadata);
    if (ephemeral && (owner == nullptr || owner->uid != pod.metadata.uid)) {
      return fail(Reason::kInvalid, cat("PVC ", ns, "/", name, " was not created for pod ", ns, "/",
                                        pod.metadata.name, " (pod is not owner)"));
    }
    out.push_back(claim);
  }
  return out;
}

namespace {

bool is_allowed_by(const storagev1::StorageClass& storage_class, const corev1::Node& node) {
  if (storage_class.allowed_topologies.empty()) return true;
  const auto& terms = storage_class.allowed_topologies;
  return std::any_of(terms.begin(), terms.end(), [&](const auto& term) {
    const auto& all = term.match_label_expressions;
    return !all.empty() && std::all_of(all.begin(), all.end(), [&](const auto& wants) {
      const auto label = node.metadata.labels.find(wants.key);
      return label != node.metadata.labels.end() &&
             std::find(wants.values.begin(), wants.values.end(), label->second) !=
                 wants.values.end();
    });
  });
}

class BindingFilter final : public PodFilter {
 public:
  BindingFilter(const Storage& storage, std::vector<api::ClaimRef> bound,
                std::vector<api::ClaimRef> open)
      : storage_(&storage), bound_(std::move(bound)), open_(std::move(open)) {
    // The choice among volumes must not depend on the order of the claims: the small ones first.
    std::sort(open_.begin(), open_.end(), [](const auto& a, const auto& b) {
      return std::tuple(requested(*a), a->metadata.name) <
             std::tuple(requested(*b), b->metadata.name);
    });
  }

  std::unique_ptr<PodFilter> clone() const override {
    return std::make_unique<BindingFilter>(*this);
  }

  Verdict filter(const NodeInfo& info) const override {
    Verdict out;
    const auto refuse = [&out](std::string reason) {
      out.kind = Verdict::Kind::kNeverHere;
      out.reasons.push_back(std::move(reason));
    };
    for (const auto& claim : bound_) {
      const auto volume = storage_->volume(claim->spec.volume_name);
      if (!volume) {
        refuse("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)");
        break;
      }
      if (api::reachable_from(*volume, *info.node)) continue;
      refuse("node(s) didn't match PersistentVolume's node affinity");
      break;
    }
    if (!plan(*info.node)) refuse("node(s) didn't find available persistent volumes to bind");
    return out;
  }

  VolumePlan volumes(const NodeInfo& info) const override {
    return plan(*info.node).value_or(VolumePlan());
  }

 private:
  static api::Amount requested(const corev1::PersistentVolumeClaim& claim) {
    const auto found = claim.spec.resources.requests.find("storage");
    return found == claim.spec.resources.requests.end() ? api::Amount()
                                                        : api::Amount::from(found->second);
  }

  // nullopt: a claim finds no volume here, and none can be made.
  std::optional<VolumePlan> plan(const corev1::Node& node) const {
    VolumePlan out;
    std::set<std::string> taken;
    for (const auto& claim : open_) {
      const auto key = api::key_of(*claim);
      const auto chosen = claim->metadata.annotations.find(api::kSelectedNode);
      const bool elsewhere = chosen != claim->metadata.annotations.end();
      if (elsewhere) {
        // Its volume is being made for a node already.
        if (chosen->second != node.metadata.name) return std::nullopt;
        out.provisions.push_back(key);
        continue;
      }
      const std::string class_name = api::storage_class_of(*claim);
      const auto volume =
          api::best_match(storage_->volumes_of_class(class_name), *claim, &node,
                          [&](const corev1::PersistentVolume& v) {
                            return !taken.contains(v.metadata.name) &&
                                   !storage_->is_promised_away(v.metadata.name, key);
                          });
      if (volume) {
        taken.insert(volume->metadata.name);
        out.bindings.push_back({volume->metadata.name, key});
        continue;
      }
      const auto storage_class = storage_->storage_class(class_name);
      if (!storage_class || storage_class->provisioner.empty() ||
          storage_class->provisioner == api::kNoProvisioner ||
          !is_allowed_by(*storage_class, node)) {
        return std::nullopt;
      }
      out.provisions.push_back(key);
    }
    return out;
  }

  const Storage* storage_;
  std::vector<api::ClaimRef> bound_;
  std::vector<api::ClaimRef> open_;  // the node decides which volume they get
};

class VolumeBinding final : public FilterPlugin {
 public:
  std::string_view name() const override { return "VolumeBinding"; }
  std::uint32_t bit() const override { return kVolumeBindingBit; }

  Prepared prepare(const PodInfo& pod, const Cache& cache) const override {
    const Storage& storage = cache.storage();
    const auto claims = claims_of(*pod.pod, storage);
    if (!claims) return {claims.error().message(), nullptr};
    if (claims->empty()) return {};
    std::vector<api::ClaimRef> bound;
    std::vector<api::ClaimRef> open;
    for (const auto& claim : *claims) {
      if (api::is_bound(*claim)) {
        bound.push_back(claim);
        continue;
      }
      const auto storage_class = storage.storage_class(api::storage_class_of(*claim));
      const bool waits_for_pod = storage_class && storage_class->volume_binding_mode.value_or("") ==
                                                      "WaitForFirstConsumer";
      if (!waits_for_pod || !claim->spec.volume_name.empty())
        return {"pod has unbound immediate PersistentVolumeClaims", nullptr};
      open.push_back(claim);
    }
    return {{}, std::make_unique<BindingFilter>(storage, std::move(bound), std::move(open))};
  }
};

}  // namespace

std::unique_ptr<FilterPlugin> make_volume_binding() { return std::make_unique<VolumeBinding>(); }

}  // namespace kpp::scheduler
