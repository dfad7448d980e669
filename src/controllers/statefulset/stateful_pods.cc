#include "controllers/statefulset/stateful_pods.h"

#include <algorithm>
#include <charconv>

#include "controllers/history/controller_revisions.h"

namespace kpp::controllers {
namespace {

bool labelled(const corev1::Pod& pod, const char* key, const std::string& value) {
  const auto it = pod.metadata.labels.find(key);
  return it != pod.metadata.labels.end() && it->second == value;
}

bool deletes(const appsv1::StatefulSet& set, bool scaled) {
  const auto& policy = set.spec.persistent_volume_claim_retention_policy;
  return policy && (scaled ? policy->when_scaled : policy->when_deleted) == "Delete";
}

// Adds or takes the reference with this uid.
bool set_owner(std::vector<metav1::OwnerReference>& owners, metav1::OwnerReference owner,
               bool wanted) {
  const auto it =
      std::find_if(owners.begin(), owners.end(), [&](const auto& o) { return o.uid == owner.uid; });
  if ((it != owners.end()) == wanted) return false;
  if (wanted) {
    owners.push_back(std::move(owner));
  } else {
    owners.erase(it);
  }
  return true;
}

}  // namespace

std::int32_t wanted(const appsv1::StatefulSet& set) { return set.spec.replicas.value_or(1); }
std::int32_t first_ordinal(const appsv1::StatefulSet& set) {
  return set.spec.ordinals ? set.spec.ordinals->start : 0;
}
std::string pod_name(const appsv1::StatefulSet& set, std::int32_t ordinal) {
  return cat(set.metadata.name, "-", ordinal);
}

std::int32_t ordinal_of(const appsv1::StatefulSet& set, const corev1::Pod& pod) {
  const std::string prefix = set.metadata.name + "-";
  const auto& name = pod.metadata.name;
  if (!name.starts_with(prefix)) return -1;
  std::int32_t out = -1;
  const char* end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + prefix.size(), end, out);
  return error == std::errc() && at == end ? out : -1;
}

bool in_range(const appsv1::StatefulSet& set, std::int32_t ordinal) {
  return ordinal >= first_ordinal(set) && ordinal - first_ordinal(set) < wanted(set);
}

std::string revision_of(const corev1::Pod& pod) {
  const auto it = pod.metadata.labels.find(kControllerRevisionHash);
  return it == pod.metadata.labels.end() ? std::string() : it->second;
}

corev1::Pod stateful_pod(const appsv1::StatefulSet& set,
                         const corev1::PodTemplateSpec& pod_template, std::int32_t ordinal,
                         const std::string& revision) {
  corev1::Pod pod = pod_from_template(pod_template, {&appsv1::StatefulSet::desc(), set.metadata});
  pod.metadata.name = pod_name(set, ordinal);
  pod.metadata.labels[kControllerRevisionHash] = revision;
  set_identity(set, pod);
  pod.spec.hostname = pod.metadata.name;
  pod.spec.subdomain = set.spec.service_name;
  set_storage(set, pod);
  return pod;
}

bool identity_matches(const appsv1::StatefulSet& set, const corev1::Pod& pod) {
  const auto ordinal = ordinal_of(set, pod);
  return ordinal >= 0 && labelled(pod, kStatefulPodName, pod.metadata.name) &&
         labelled(pod, kPodIndex, std::to_string(ordinal));
}

void set_identity(const appsv1::StatefulSet& set, corev1::Pod& pod) {
  pod.metadata.labels[kStatefulPodName] = pod.metadata.name;
  pod.metadata.labels[kPodIndex] = std::to_string(ordinal_of(set, pod));
}

bool storage_matches(const appsv1::StatefulSet& set, const corev1::Pod& pod) {
  return std::all_of(
      set.spec.volume_claim_templates.begin(), set.spec.volume_claim_templates.end(),
      [&](const auto& claim) {
        return std::any_of(pod.spec.volumes.begin(), pod.spec.volumes.end(), [&](const auto& v) {
          return v.name == claim.metadata.name && v.volume_source.persistent_volume_claim &&
                 v.volume_source.persistent_volume_claim->claim_name ==
                     claim_name(claim, pod.metadata.name);
        });
      });
}

void set_storage(const appsv1::StatefulSet& set, corev1::Pod& pod) {
  std::vector<corev1::Volume> volumes;
  for (const auto& claim : set.spec.volume_claim_templates) {
    std::erase_if(pod.spec.volumes, [&](const auto& v) { return v.name == claim.metadata.name; });
    auto& volume = volumes.emplace_back();
    volume.name = claim.metadata.name;
    volume.volume_source.persistent_volume_claim.ensure().claim_name =
        claim_name(claim, pod.metadata.name);
  }
  for (auto& volume : pod.spec.volumes) volumes.push_back(std::move(volume));
  pod.spec.volumes = std::move(volumes);
}

std::string claim_name(const corev1::PersistentVolumeClaim& claim_template,
                       const std::string& pod_name) {
  return cat(claim_template.metadata.name, "-", pod_name);
}

std::vector<corev1::PersistentVolumeClaim> claims_of(const appsv1::StatefulSet& set,
                                                     std::int32_t ordinal) {
  std::vector<corev1::PersistentVolumeClaim> out;
  for (const auto& claim_template : set.spec.volume_claim_templates) {
    corev1::PersistentVolumeClaim claim = claim_template;
    claim.metadata.name = claim_name(claim_template, pod_name(set, ordinal));
    claim.metadata.namespace_ = set.metadata.namespace_;
    if (set.spec.selector) {
      for (const auto& [key, value] : set.spec.selector->match_labels)
        claim.metadata.labels[key] = value;
    }
    claim.status = {};
    out.push_back(std::move(claim));
  }
  return out;
}

bool set_claim_owners(const appsv1::StatefulSet& set, const corev1::Pod& pod,
                      corev1::PersistentVolumeClaim& claim) {
  metav1::OwnerReference by_set =
      api::controller_reference(appsv1::StatefulSet::desc(), set.metadata);
  metav1::OwnerReference by_pod = api::controller_reference(corev1::Pod::desc(), pod.metadata);
  by_pod.controller.reset();
  by_pod.block_owner_deletion.reset();
  by_set.controller.reset();
  by_set.block_owner_deletion.reset();
  auto& owners = claim.metadata.owner_references;
  const bool condemned = !in_range(set, ordinal_of(set, pod));
  const bool pod_owns = deletes(set, true) && condemned && !pod.metadata.uid.empty();
  // A claim that goes with its scaled-away pod is not kept alive by the set.
  const bool set_owns = deletes(set, false) && !pod_owns;
  bool changed = set_owner(owners, std::move(by_set), set_owns);
  if (!pod.metadata.uid.empty()) changed |= set_owner(owners, std::move(by_pod), pod_owns);
  return changed;
}

}  // namespace kpp::controllers
