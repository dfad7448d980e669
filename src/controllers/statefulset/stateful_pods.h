// Decisions of the stateful set controller about pods and claims, without the API.
#pragma once

#include <vector>

#include "api/appsv1.h"
#include "controllers/pod_batch.h"

namespace kpp::controllers {

inline constexpr const char* kStatefulPodName = "statefulset.kubernetes.io/pod-name";
inline constexpr const char* kPodIndex = "apps.kubernetes.io/pod-index";

std::int32_t wanted(const appsv1::StatefulSet& set);
std::int32_t first_ordinal(const appsv1::StatefulSet& set);
std::string pod_name(const appsv1::StatefulSet& set, std::int32_t ordinal);
// The ordinal in a pod's name; -1 if the pod is not named after the set.
std::int32_t ordinal_of(const appsv1::StatefulSet& set, const corev1::Pod& pod);
// One of the ordinals that the set wants.
bool in_range(const appsv1::StatefulSet& set, std::int32_t ordinal);
// The revision that a pod was made from; empty: none is noted.
std::string revision_of(const corev1::Pod& pod);

// The pod of an ordinal, made from `pod_template` as `revision`.
corev1::Pod stateful_pod(const appsv1::StatefulSet& set,
                         const corev1::PodTemplateSpec& pod_template, std::int32_t ordinal,
                         const std::string& revision);
// Name, index and volumes that belong to the pod's ordinal are what they should be.
bool identity_matches(const appsv1::StatefulSet& set, const corev1::Pod& pod);
bool storage_matches(const appsv1::StatefulSet& set, const corev1::Pod& pod);
void set_identity(const appsv1::StatefulSet& set, corev1::Pod& pod);
void set_storage(const appsv1::StatefulSet& set, corev1::Pod& pod);

std::string claim_name(const corev1::PersistentVolumeClaim& claim_template,
                       const std::string& pod_name);
std::vector<corev1::PersistentVolumeClaim> claims_of(const appsv1::StatefulSet& set,
                                                     std::int32_t ordinal);
// Gives the claim the owners that the set's retention policy wants: the set if claims go with it,
// the pod if they go when it is scaled away. True if something changed.
bool set_claim_owners(const appsv1::StatefulSet& set, const corev1::Pod& pod,
                      corev1::PersistentVolumeClaim& claim);

}  // namespace kpp::controllers
