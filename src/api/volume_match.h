// Which volume fits a claim.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "base/status.h"

namespace kpp::api {

using VolumeRef = std::shared_ptr<const corev1::PersistentVolume>;
using ClaimRef = std::shared_ptr<const corev1::PersistentVolumeClaim>;

// spec.storageClassName, or the annotation of old; empty: none.
std::string storage_class_of(const corev1::PersistentVolume& volume);
std::string storage_class_of(const corev1::PersistentVolumeClaim& claim);
// The volume was made for this claim, or is bound to it.
bool is_for(const corev1::PersistentVolume& volume, const corev1::PersistentVolumeClaim& claim);
// Why a volume that the claim names cannot be its: the original's words.
Status check_fit(const corev1::PersistentVolume& volume,
                 const corev1::PersistentVolumeClaim& claim);
// Where the volume can be used at all: a node that its nodeAffinity allows.
bool reachable_from(const corev1::PersistentVolume& volume, const corev1::Node& node);
// The claim is bound for good: it names a volume, and both sides know.
bool is_bound(const corev1::PersistentVolumeClaim& claim);
// The volume made for the claim, else the smallest free one that fits; nullptr: none. With a node,
// only one that can be used there; `passes` leaves out those that are given away already.
VolumeRef best_match(const std::vector<VolumeRef>& volumes,
                     const corev1::PersistentVolumeClaim& claim, const corev1::Node* node = nullptr,
                     const std::function<bool(const corev1::PersistentVolume&)>& passes = {});

inline constexpr const char* kBindCompleted = "pv.kubernetes.io/bind-completed";
inline constexpr const char* kBoundByController = "pv.kubernetes.io/bound-by-controller";
inline constexpr const char* kSelectedNode = "volume.kubernetes.io/selected-node";
inline constexpr const char* kNoProvisioner = "kubernetes.io/no-provisioner";

// The claim that a pod's volume means; empty: none.
std::string claim_of_volume(const corev1::Pod& pod, const corev1::Volume& volume);

}  // namespace kpp::api
