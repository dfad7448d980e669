// StatefulSets.
#include "api/json_codec.h"
#include "validation/core/volume_claims.h"
#include "validation/go_value.h"
#include "validation/rules.h"
#include "validation/workloads.h"

namespace kpp::validation {
namespace {

constexpr std::string_view kFixed =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
    "forbidden";

void check_update_strategy(FieldErrors& errors, const FieldPath& at,
                           const appsv1::StatefulSetUpdateStrategy& strategy) {
  const FieldPath rolling_at = at.child("rollingUpdate");
  if (strategy.type.empty()) {
    errors.required(at);
  } else if (strategy.type == "OnDelete") {
    if (strategy.rolling_update) {
      errors.invalid(rolling_at, go_value(strategy.rolling_update),
                     "only allowed for updateStrategy 'RollingUpdate'");
    }
  } else if (strategy.type == "RollingUpdate") {
    if (!strategy.rolling_update) return;
    const appsv1::RollingUpdateStatefulSetStrategy& rolling = *strategy.rolling_update;
    check_not_negative(errors, rolling_at.child("partition"), rolling.partition.value_or(0));
  } else {
    errors.invalid(at, go_value(strategy), "must be 'RollingUpdate' or 'OnDelete'");
  }
}

void check_retention(
    FieldErrors& errors, const FieldPath& at,
    const api::Opt<appsv1::StatefulSetPersistentVolumeClaimRetentionPolicy>& policy) {
  if (!policy) return;
  const auto each = [&](std::string_view field, const std::string& value) {
    if (value != "Retain" && value != "Delete")
      errors.not_supported(at.child(field), value, {"Retain", "Delete"});
  };
  each("whenDeleted", policy->when_deleted);
  each("whenScaled", policy->when_scaled);
}

// The claims' volumes are made with the pods, so that mounts may name them.
corev1::PodTemplateSpec with_claims(const appsv1::StatefulSetSpec& spec) {
  corev1::PodTemplateSpec out = spec.template_;
  for (const corev1::PersistentVolumeClaim& claim : spec.volume_claim_templates) {
    corev1::Volume volume;
    volume.name = claim.metadata.name;
    volume.volume_source.persistent_volume_claim.emplace().claim_name = claim.metadata.name;
    std::erase_if(out.spec.volumes, [&](const auto& v) { return v.name == claim.metadata.name; });
    out.spec.volumes.push_back(std::move(volume));
  }
  return out;
}

void check_spec(FieldErrors& errors, const appsv1::StatefulSetSpec& spec, bool claims) {
  const FieldPath at("spec");
  if (spec.pod_management_policy.empty()) {
    errors.required(at.child("podManagementPolicy"));
  } else if (spec.pod_management_policy != "OrderedReady" &&
             spec.pod_management_policy != "Parallel") {
    errors.invalid(at.child("podManagementPolicy"), spec.pod_management_policy,
                   "must be 'OrderedReady' or 'Parallel'");
  }
  check_update_strategy(errors, at.child("updateStrategy"), spec.update_strategy);
  check_retention(errors, at.child("persistentVolumeClaimRetentionPolicy"),
                  spec.persistent_volume_claim_retention_policy);
  check_not_negative(errors, at.child("replicas"), spec.replicas.value_or(0));
  check_not_negative(errors, at.child("minReadySeconds"), spec.min_ready_seconds);
  if (spec.ordinals)
    check_not_negative(errors, at.child("ordinals", "start"), spec.ordinals->start);
  check_workload_selector(errors, at.child("selector"), spec.selector, "statefulset");
  check_selected_template(errors, at, spec.selector, with_claims(spec));
  check_always_restarted(errors, at.child("template", "spec"), spec.template_.spec,
                         "activeDeadlineSeconds in StatefulSet is not Supported");
  if (!claims) return;
  for (std::size_t i = 0; i < spec.volume_claim_templates.size(); ++i) {
    check_claim_spec(errors, at.child("volumeClaimTemplates").index(i).child("spec"),
                     spec.volume_claim_templates[i].spec);
  }
}

void check_status(FieldErrors& errors, const appsv1::StatefulSetStatus& status,
                  const appsv1::StatefulSetStatus& old) {
  const FieldPath at("status");
  check_not_negative(errors, at.child("replicas"), status.replicas);
  check_not_negative(errors, at.child("readyReplicas"), status.ready_replicas);
  check_not_negative(errors, at.child("currentReplicas"), status.current_replicas);
  check_not_negative(errors, at.child("updatedReplicas"), status.updated_replicas);
  check_not_negative(errors, at.child("availableReplicas"), status.available_replicas);
  check_not_negative(errors, at.child("observedGeneration"), status.observed_generation);
  if (status.collision_count)
    check_not_negative(errors, at.child("collisionCount"), *status.collision_count);
  check_at_most(errors, "readyReplicas", status.ready_replicas, "status.replicas", status.replicas);
  check_at_most(errors, "currentReplicas", status.current_replicas, "status.replicas",
                status.replicas);
  check_at_most(errors, "updatedReplicas", status.updated_replicas, "status.replicas",
                status.replicas);
  check_at_most(errors, "availableReplicas", status.available_replicas, "status.replicas",
                status.replicas);
  check_at_most(errors, "availableReplicas", status.available_replicas, "status.readyReplicas",
                status.ready_replicas);
  check_collisions_grow(errors, status.collision_count, old.collision_count);
}

}  // namespace

void validate(FieldErrors& errors, const appsv1::StatefulSet& set, const Context&) {
  check_metadata(errors, set.metadata, true, label_name);
  check_spec(errors, set.spec, true);
}

void validate_change(FieldErrors& errors, const appsv1::StatefulSet& set,
                     const appsv1::StatefulSet& old, const Context& context) {
  check_metadata_update(errors, set.metadata, old.metadata);
  if (context.is_status) return check_status(errors, set.status, old.status);
  check_spec(errors, set.spec, false);
  appsv1::StatefulSetSpec now = set.spec;
  now.replicas = old.spec.replicas;
  now.ordinals = old.spec.ordinals;
  now.template_ = old.spec.template_;
  now.update_strategy = old.spec.update_strategy;
  now.min_ready_seconds = old.spec.min_ready_seconds;
  now.revision_history_limit = old.spec.revision_history_limit;
  now.persistent_volume_claim_retention_policy = old.spec.persistent_volume_claim_retention_policy;
  if (!api::equal(now, old.spec)) errors.forbidden(FieldPath("spec"), kFixed);
}

}  // namespace kpp::validation
