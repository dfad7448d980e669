#include "controllers/deployment/deployment_controller.h"

#include <set>

#include "controllers/deployment/deployment_sync.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {

DeploymentController::DeploymentController(ControllerContext context)
    : Controller(context, "deployment-controller", "deployment-controller"),
      deployments_(watch_keys<appsv1::Deployment>()),
      sets_(watch<appsv1::ReplicaSet>(
          [this](const SetRef& before, const SetRef& after) { on_set(before, after); })),
      pods_(watch<corev1::Pod>(
          [this](const PodRef& before, const PodRef& after) { on_pod(before, after); })) {}

DeploymentController::DeploymentRef DeploymentController::deployment_of(
    const std::string& namespace_, const metav1::OwnerReference* controller) const {
  if (!controller || controller->kind != "Deployment") return nullptr;
  auto deployment = deployments_.get({namespace_, controller->name});
  return deployment && deployment->metadata.uid == controller->uid ? deployment : nullptr;
}

void DeploymentController::on_set(const SetRef& before, const SetRef& after) {
  for (const auto& set : {before, after}) {
    if (!set) continue;
    if (const auto d = deployment_of(set->metadata.namespace_, api::controller_of(set->metadata))) {
      queue().add(api::key_of(*d));
    }
  }
  if (!after || api::controller_of(after->metadata) || after->metadata.deletion_timestamp) return;
  for (const auto& d : deployments_.in_namespace(after->metadata.namespace_)) {
    if (d->spec.selector && !is_empty(*d->spec.selector) &&
        selects(*d->spec.selector, after->metadata.labels)) {
      queue().add(api::key_of(*d));
    }
  }
}

// Recreate waits for the last old pod to go.
void DeploymentController::on_pod(const PodRef& before, const PodRef& after) {
  const bool ended = !after || (before && !is_finished(*before) && is_finished(*after));
  if (!ended) return;
  const auto& pod = *(after ? after : before);
  const auto* controller = api::controller_of(pod.metadata);
  if (!controller || controller->kind != "ReplicaSet") return;
  const auto set = sets_.get({pod.metadata.namespace_, controller->name});
  if (!set || set->metadata.uid != controller->uid) return;
  const auto d = deployment_of(pod.metadata.namespace_, api::controller_of(set->metadata));
  if (d && d->spec.strategy.type == "Recreate") queue().add(api::key_of(*d));
}

async::Task<Status> DeploymentController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const DeploymentRef deployment = deployments_.get(key);
  if (!deployment || !deployment->spec.selector) co_return Status();
  if (is_empty(*deployment->spec.selector)) {
    events().event(client::reference_to(appsv1::Deployment::desc(), deployment->metadata),
                   "Warning", "SelectingAll",
                   "This deployment is selecting all pods. A non-empty selector is required.");
    co_return Status();
  }
  auto claimed = co_await claim_sets(deployment, stop);
  if (!claimed) co_return std::move(claimed).error();
  std::set<std::string> uids;
  for (const auto& set : *claimed) uids.insert(set.metadata.uid);
  const auto others_run = [this, ns = key.namespace_, uids](const appsv1::ReplicaSet* newest) {
    for (const auto& pod : pods_.in_namespace(ns)) {
      const auto* controller = api::controller_of(pod->metadata);
      if (!controller || !uids.contains(controller->uid) || is_finished(*pod)) continue;
      if (!newest || controller->uid != newest->metadata.uid) return true;
    }
    return false;
  };
  DeploymentSync sync({executor(), client(), events(), queue()}, *deployment, std::move(*claimed),
                      others_run);
  co_return co_await sync.run(stop);
}

async::Task<Result<std::vector<appsv1::ReplicaSet>>> DeploymentController::claim_sets(
    DeploymentRef deployment, async::StopToken stop) {
  std::vector<appsv1::ReplicaSet> mine;
  const auto& type = appsv1::ReplicaSet::desc();
  for (const auto& set : sets_.in_namespace(deployment->metadata.namespace_)) {
    Status status;
    switch (claim(deployment->metadata, *deployment->spec.selector, set->metadata)) {
      case Claim::kMine:
        mine.push_back(*set);
        break;
      case Claim::kNotMine:
        break;
      case Claim::kAdopt:
        // Comes back by the watch, as ours.
        status = co_await adopt(client(), &appsv1::Deployment::desc(), deployment->metadata, &type,
                                set->metadata, {}, stop);
        if (status.ok()) mine.push_back(*set);
        break;
      case Claim::kRelease:
        status = co_await release(client(), deployment->metadata.uid, &type, set->metadata, stop);
        break;
    }
    if (!status.ok() && !status.is(Reason::kNotFound)) co_return fail(std::move(status));
  }
  co_return mine;
}

}  // namespace kpp::controllers
