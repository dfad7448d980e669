// Which volume fits a claim.
#pragma once

#include <memory>
#include <vector>

#include "api/corev1.h"
#include "base/status.h"

namespace kpp::controllers {

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
// The volume made for the claim, else the smallest free one that fits; nullptr: none.
VolumeRef best_match(const std::vector<VolumeRef>& volumes,
                     const corev1::PersistentVolumeClaim& claim);

}  // namespace kpp::controllers
