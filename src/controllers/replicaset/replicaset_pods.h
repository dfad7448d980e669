// Decisions of the replica set controller that need no API: which pods to delete, what the status
// is.
#pragma once

#include <memory>
#include <vector>

#include "api/appsv1.h"
#include "base/clock.h"
#include "base/status.h"
#include "controllers/pod_batch.h"

namespace kpp::controllers {

// The `count` pods that a scale-down takes: those that serve least first (unbound, pending, not
// ready, cheap by controller.kubernetes.io/pod-deletion-cost, on nodes with many of `related`,
// ready for a short time, often restarted, young).
std::vector<PodRef> pods_to_delete(std::vector<PodRef> pods, const std::vector<PodRef>& related,
                                   std::size_t count, WallTime now);

// The status for the pods that the set controls; conditions are those it has.
appsv1::ReplicaSetStatus replica_set_status(const appsv1::ReplicaSet& set,
                                            const std::vector<PodRef>& active, int terminating,
                                            WallTime now);

// Sets or takes away the condition ReplicaFailure. `error` ok: no failure.
void set_replica_failure(appsv1::ReplicaSetStatus& status, const Status& error, bool creating,
                         WallTime now);

}  // namespace kpp::controllers
