// The status of a deployment: counts, and the conditions Available, Progressing and ReplicaFailure.
#pragma once

#include "base/clock.h"
#include "controllers/deployment/replica_math.h"

namespace kpp::controllers {

bool has_progress_deadline(const appsv1::Deployment& d);
const appsv1::DeploymentCondition* deployment_condition(const appsv1::DeploymentStatus& status,
                                                        std::string_view type);
appsv1::DeploymentCondition make_condition(std::string_view type, std::string_view status,
                                           std::string_view reason, std::string message,
                                           WallTime now);
// Replaces the condition of that type, unless its status and reason are the same already; the time
// of transition stays when the status does.
void set_condition(appsv1::DeploymentStatus& status, appsv1::DeploymentCondition condition);
void remove_condition(appsv1::DeploymentStatus& status, std::string_view type);

// `newest`: the set with the deployment's template, may be null; `all`: every set, it too.
appsv1::DeploymentStatus deployment_status(const appsv1::Deployment& d,
                                           const std::vector<const appsv1::ReplicaSet*>& all,
                                           const appsv1::ReplicaSet* newest, WallTime now);
// With the condition Progressing brought up to date, and ReplicaFailure copied from the sets.
appsv1::DeploymentStatus rollout_status(const appsv1::Deployment& d,
                                        const std::vector<const appsv1::ReplicaSet*>& all,
                                        const appsv1::ReplicaSet* newest, WallTime now);

bool is_complete(const appsv1::Deployment& d, const appsv1::DeploymentStatus& status);
// When to look again whether the deadline has passed; nullopt: no need.
std::optional<Duration> until_deadline(const appsv1::Deployment& d,
                                       const appsv1::DeploymentStatus& status, WallTime now);

}  // namespace kpp::controllers
