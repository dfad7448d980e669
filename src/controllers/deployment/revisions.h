// Revision numbers of a deployment and its replica sets, kept in annotations.
#pragma once

#include "controllers/deployment/replica_math.h"

namespace kpp::controllers {

inline constexpr const char* kRevision = "deployment.kubernetes.io/revision";
inline constexpr const char* kRevisionHistory = "deployment.kubernetes.io/revision-history";
inline constexpr const char* kDesiredReplicas = "deployment.kubernetes.io/desired-replicas";
inline constexpr const char* kMaxReplicas = "deployment.kubernetes.io/max-replicas";

std::int64_t revision_of(const metav1::ObjectMeta& meta);  // 0: none
std::int64_t newest_revision(const std::vector<const appsv1::ReplicaSet*>& sets);
// -1 if the annotation is missing or no number.
std::int32_t annotated_replicas(const appsv1::ReplicaSet& set, const char* annotation);

// Gives the set the deployment's annotations and the revision; the revision it had goes into its
// history. True if something changed.
bool annotate_new_set(const appsv1::Deployment& d, appsv1::ReplicaSet& set, std::int64_t revision,
                      bool exists);
// Notes for which size the set's own was computed. True if something changed.
bool annotate_replicas(appsv1::ReplicaSet& set, std::int32_t desired, std::int32_t most);

}  // namespace kpp::controllers
