#include "apiserver/registry/strategies.h"

#include <algorithm>
#include <charconv>

#include "api/admissionregistrationv1.h"
#include "api/appsv1.h"
#include "api/autoscalingv1.h"
#include "api/autoscalingv2.h"
#include "api/batchv1.h"
#include "api/certificatesv1.h"
#include "api/coordinationv1.h"
#include "api/corev1.h"
#include "api/discoveryv1.h"
#include "api/eventsv1.h"
#include "api/flowcontrolv1.h"
#include "api/json_codec.h"
#include "api/networkingv1.h"
#include "api/nodev1.h"
#include "api/policyv1.h"
#include "api/rbacv1.h"
#include "api/resourcev1.h"
#include "api/schedulingv1.h"
#include "api/storagev1.h"

namespace kpp::apiserver {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// spec raises the generation, status has a subresource of its own.
Strategy with_status() {
  Strategy s;
  s.prepare_create = start_generation_on_create;
  s.prepare_update = raise_generation_on_update;
  s.prepare_status_update = only_status_on_update;
  return s;
}

// status has a subresource; the kind knows no generation.
Strategy with_status_only() {
  Strategy s;
  s.prepare_create = clear_status_on_create;
  s.prepare_update = keep_status_on_update;
  s.prepare_status_update = only_status_on_update;
  return s;
}

// Plain kinds whose spec raises the generation.
Strategy with_generation() {
  Strategy s;
  s.prepare_create = [](api::Object& o, const StrategyContext&) {
    api::metadata(o)->generation = 1;
  };
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext&) {
    auto* meta = api::metadata(o);
    meta->generation = api::metadata(old.desc(), old.data())->generation;
    if (!field_equal(o, old, "spec")) ++meta->generation;
  };
  return s;
}

template <class T>
bool same_but_metadata(const api::Object& one, const api::Object& other) {
  T a = *one.as<T>();
  T b = *other.as<T>();
  a.metadata = {};
  b.metadata = {};
  return api::equal(a, b);
}

// Kinds without a spec (webhook configurations): any change but one of metadata raises the
// generation.
template <class T>
Strategy with_generation_of_all() {
  Strategy s;
  s.prepare_create = [](api::Object& o, const StrategyContext&) {
    api::metadata(o)->generation = 1;
  };
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext&) {
    auto* meta = api::metadata(o);
    meta->generation = api::metadata(old.desc(), old.data())->generation;
    if (!same_but_metadata<T>(o, old)) ++meta->generation;
  };
  return s;
}

Strategy endpoint_slice_strategy() {
  Strategy s = with_generation_of_all<discoveryv1::EndpointSlice>();
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext&) {
    auto* meta = api::metadata(o);
    const auto& before = *api::metadata(old.desc(), old.data());
    meta->generation = before.generation;
    if (!same_but_metadata<discoveryv1::EndpointSlice>(o, old) || meta->labels != before.labels)
      ++meta->generation;
  };
  return s;
}

Strategy pod_template_strategy() {
  Strategy s = with_generation_of_all<corev1::PodTemplate>();
  s.answers_deleted_object = true;
  return s;
}

Strategy priority_class_strategy() {
  Strategy s = with_generation_of_all<schedulingv1::PriorityClass>();
  s.prepare_update = keep_nothing_on_update;
  return s;
}

// Annotations of a deployment are copied to its replica sets: a change of them is one that its
// controller observes.
Strategy deployment_strategy() {
  Strategy s = with_status();
  s.status_untracked = {"spec", "metadata.labels"};
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext&) {
    copy_field(o, old, "status");
    auto* meta = api::metadata(o);
    const auto& before = *api::metadata(old.desc(), old.data());
    meta->generation = before.generation;
    if (!field_equal(o, old, "spec") || meta->annotations != before.annotations) ++meta->generation;
  };
  return s;
}

constexpr std::string_view kTemplateGeneration = "deprecated.daemonset.template.generation";

std::int64_t template_generation(const metav1::ObjectMeta& meta) {
  const auto it = meta.annotations.find(std::string(kTemplateGeneration));
  std::int64_t out = 0;
  if (it != meta.annotations.end())
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), out);
  return out;
}

// The generation of a daemon set's template lives on in an annotation only.
Strategy daemon_set_strategy() {
  Strategy s = with_status();
  s.prepare_create = [](api::Object& o, const StrategyContext& context) {
    start_generation_on_create(o, context);
    auto* meta = api::metadata(o);
    meta->annotations[std::string(kTemplateGeneration)] =
        cat(std::max<std::int64_t>(template_generation(*meta), 1));
  };
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext& context) {
    raise_generation_on_update(o, old, context);
    const auto& before = *old.as<appsv1::DaemonSet>();
    auto& now = *o.as<appsv1::DaemonSet>();
    const bool changed = !api::equal(now.spec.template_, before.spec.template_);
    now.metadata.annotations[std::string(kTemplateGeneration)] =
        cat(template_generation(before.metadata) + (changed ? 1 : 0));
  };
  s.prepare_status_update = [](api::Object& o, const api::Object& old,
                               const StrategyContext& context) {
    only_status_on_update(o, old, context);
    const auto& before = *api::metadata(old.desc(), old.data());
    api::metadata(o)->annotations[std::string(kTemplateGeneration)] =
        cat(template_generation(before));
  };
  s.made_annotations = {kTemplateGeneration};
  return s;
}

// A status update of these kinds takes over nothing of the metadata either.
Strategy flow_control_strategy() {
  Strategy s = with_status();
  s.status_untracked = {"spec", "metadata"};
  s.prepare_status_update = [](api::Object& o, const api::Object& old,
                               const StrategyContext& context) {
    only_status_on_update(o, old, context);
    auto* meta = api::metadata(o);
    auto managed = std::move(meta->managed_fields);
    *meta = *api::metadata(old.desc(), old.data());
    meta->managed_fields = std::move(managed);
  };
  return s;
}

Strategy plain() {
  Strategy s;
  s.prepare_update = keep_nothing_on_update;
  return s;
}

template <class T>
Strategy plain_created_by_put() {
  Strategy s;
  s.prepare_update = keep_nothing_on_update;
  s.create_on_update = true;
  return s;
}

// What coordinated leader election adds to a lease is only kept where that is switched on; here it
// is not.
void drop_election(coordinationv1::LeaseSpec& spec) {
  spec.strategy.reset();
  spec.preferred_holder.reset();
}

Strategy lease_strategy() {
  Strategy s;
  s.prepare_create = [](api::Object& o, const StrategyContext&) {
    drop_election(o.as<coordinationv1::Lease>()->spec);
  };
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext& context) {
    keep_nothing_on_update(o, old, context);
    drop_election(o.as<coordinationv1::Lease>()->spec);
  };
  s.create_on_update = true;
  return s;
}

Strategy secret_strategy() {
  Strategy s;
  s.prepare_update = keep_nothing_on_update;
  s.selectable = [](const api::Object& o) -> Fields {
    return {{"type", o.as<corev1::Secret>()->type}};
  };
  return s;
}

Strategy event_strategy() {
  Strategy s;
  s.prepare_update = keep_nothing_on_update;
  s.create_on_update = true;
  s.selectable = [](const api::Object& o) -> Fields {
    const auto* e = o.as<corev1::Event>();
    if (e == nullptr) return {};
    const auto& about = e->involved_object;
    const std::string source =
        e->source.component.empty() ? e->reporting_component : e->source.component;
    return {{"involvedObject.kind", about.kind},
            {"involvedObject.namespace", about.namespace_},
            {"involvedObject.name", about.name},
            {"involvedObject.uid", about.uid},
            {"involvedObject.apiVersion", about.api_version},
            {"involvedObject.resourceVersion", about.resource_version},
            {"involvedObject.fieldPath", about.field_path},
            {"reason", e->reason},
            {"reportingComponent", e->reporting_component},
            {"source", source},
            {"type", e->type}};
  };
  return s;
}

Strategy node_strategy() {
  Strategy s;
  s.prepare_create = [](api::Object& o, const StrategyContext&) {
    api::metadata(o)->generation = 0;
  };
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext&) {
    copy_field(o, old, "status");
    api::metadata(o)->generation = api::metadata(old.desc(), old.data())->generation;
  };
  s.prepare_status_update = [](api::Object& o, const api::Object& old, const StrategyContext&) {
    copy_field(o, old, "spec");
  };
  s.selectable = [](const api::Object& o) -> Fields {
    return {{"spec.unschedulable", o.as<corev1::Node>()->spec.unschedulable ? "true" : "false"}};
  };
  return s;
}

Strategy replica_set_strategy() {
  Strategy s = with_status();
  s.selectable = [](const api::Object& o) -> Fields {
    return {{"status.replicas", cat(o.as<appsv1::ReplicaSet>()->status.replicas)}};
  };
  return s;
}

Strategy replication_controller_strategy() {
  Strategy s = with_status();
  s.orphan_by_default = true;
  s.selectable = [](const api::Object& o) -> Fields {
    return {{"status.replicas", cat(o.as<corev1::ReplicationController>()->status.replicas)}};
  };
  return s;
}

// A job selects its pods by its own UID, unless the user says otherwise.
void generate_selector(batchv1::Job& job) {
  if (job.spec.manual_selector.value_or(false)) return;
  const std::string& uid = job.metadata.uid;
  auto& labels = job.spec.template_.metadata.labels;
  labels["batch.kubernetes.io/controller-uid"] = uid;
  labels["batch.kubernetes.io/job-name"] = job.metadata.name;
  labels["controller-uid"] = uid;
  labels["job-name"] = job.metadata.name;
  job.spec.selector.ensure().match_labels["batch.kubernetes.io/controller-uid"] = uid;
}

Strategy job_strategy() {
  Strategy s = with_status();
  s.prepare_create = [](api::Object& o, const StrategyContext& context) {
    start_generation_on_create(o, context);
    auto& job = *o.as<batchv1::Job>();
    generate_selector(job);
    if (job.metadata.labels.empty()) job.metadata.labels = job.spec.template_.metadata.labels;
  };
  s.orphan_by_default = true;
  s.selectable = [](const api::Object& o) -> Fields {
    return {{"status.successful", cat(o.as<batchv1::Job>()->status.succeeded)}};
  };
  return s;
}

using certificatesv1::CertificateSigningRequest;

// Conditions that came without times get them; one that keeps its type and status keeps its time of
// transition.
void set_condition_times(CertificateSigningRequest& now, const CertificateSigningRequest& old,
                         WallTime time) {
  for (auto& condition : now.status.conditions) {
    if (condition.last_update_time.is_zero()) condition.last_update_time = api::Time::from(time);
    if (!condition.last_transition_time.is_zero()) continue;
    condition.last_transition_time = api::Time::from(time);
    for (const auto& before : old.status.conditions) {
      if (before.type == condition.type && before.status == condition.status &&
          !before.last_transition_time.is_zero()) {
        condition.last_transition_time = before.last_transition_time;
        break;
      }
    }
  }
}

// Only /approval decides: a status has the old conditions of the type in the place of its own. One
// that adds or removes such a condition stays as it is, for validation to refuse.
void keep_conditions(CertificateSigningRequest& now, const CertificateSigningRequest& old,
                     std::string_view type) {
  const auto of_type = [type](const auto& condition) { return condition.type == type; };
  auto& mine = now.status.conditions;
  const auto& theirs = old.status.conditions;
  if (std::ranges::count_if(mine, of_type) != std::ranges::count_if(theirs, of_type)) return;
  auto next = theirs.begin();
  for (auto& condition : mine) {
    if (!of_type(condition)) continue;
    next = std::find_if(next, theirs.end(), of_type);
    condition = *next++;
  }
}

Strategy csr_strategy() {
  Strategy s;
  s.prepare_create = [](api::Object& o, const StrategyContext& context) {
    clear_field(o, "status");
    auto& spec = o.as<certificatesv1::CertificateSigningRequest>()->spec;
    spec.username = context.user.name;
    spec.uid = context.user.uid;
    spec.groups = context.user.groups;
    spec.extra.clear();
    for (const auto& [key, values] : context.user.extra) spec.extra[key].items = values;
  };
  s.untracked = {"spec", "status"};
  s.status_untracked = {"spec", "status.conditions"};
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext& context) {
    copy_field(o, old, "spec");
    if (context.subresource != "approval") {
      copy_field(o, old, "status");
      return;
    }
    // Approval changes the conditions and nothing else.
    auto& csr = *o.as<CertificateSigningRequest>();
    const auto& before = *old.as<CertificateSigningRequest>();
    csr.status.certificate = before.status.certificate;
    set_condition_times(csr, before, context.now);
  };
  s.prepare_status_update = [](api::Object& o, const api::Object& old,
                               const StrategyContext& context) {
    only_status_on_update(o, old, context);
    auto& csr = *o.as<CertificateSigningRequest>();
    const auto& before = *old.as<CertificateSigningRequest>();
    keep_conditions(csr, before, "Approved");
    keep_conditions(csr, before, "Denied");
    set_condition_times(csr, before, context.now);
  };
  s.selectable = [](const api::Object& o) -> Fields {
    return {
        {"spec.signerName", o.as<certificatesv1::CertificateSigningRequest>()->spec.signer_name}};
  };
  return s;
}

Strategy persistent_volume_strategy() {
  Strategy s = with_status_only();
  s.prepare_create = [](api::Object& o, const StrategyContext& context) {
    clear_field(o, "status");
    auto& status = o.as<corev1::PersistentVolume>()->status;
    status.phase = "Pending";
    status.last_phase_transition_time = api::Time::from(context.now);
  };
  return s;
}

// dataSource and dataSourceRef say the same; the older one cannot name a namespace.
void pair_data_sources(corev1::PersistentVolumeClaimSpec& spec) {
  if (spec.data_source && !spec.data_source_ref) {
    auto& reference = spec.data_source_ref.ensure();
    reference.api_group = spec.data_source->api_group;
    reference.kind = spec.data_source->kind;
    reference.name = spec.data_source->name;
  } else if (spec.data_source_ref && !spec.data_source &&
             spec.data_source_ref->namespace_.value_or("").empty()) {
    auto& source = spec.data_source.ensure();
    source.api_group = spec.data_source_ref->api_group;
    source.kind = spec.data_source_ref->kind;
    source.name = spec.data_source_ref->name;
  }
}

Strategy persistent_volume_claim_strategy() {
  Strategy s = with_status_only();
  s.prepare_create = [](api::Object& o, const StrategyContext&) {
    clear_field(o, "status");
    auto& claim = *o.as<corev1::PersistentVolumeClaim>();
    claim.status.phase = "Pending";
    pair_data_sources(claim.spec);
  };
  s.prepare_update = [](api::Object& o, const api::Object& old, const StrategyContext&) {
    copy_field(o, old, "status");
    pair_data_sources(o.as<corev1::PersistentVolumeClaim>()->spec);
  };
  return s;
}

}  // namespace

std::unordered_map<const api::TypeDesc*, Strategy> all_strategies() {
  std::unordered_map<const api::TypeDesc*, Strategy> out;
  out[&corev1::Pod::desc()] = pod_strategy();
  out[&corev1::Service::desc()] = service_strategy();
  out[&corev1::Namespace::desc()] = namespace_strategy();
  out[&corev1::Node::desc()] = node_strategy();
  out[&corev1::Secret::desc()] = secret_strategy();
  out[&corev1::Event::desc()] = event_strategy();
  out[&corev1::Endpoints::desc()] = plain_created_by_put<corev1::Endpoints>();
  out[&corev1::PodTemplate::desc()] = pod_template_strategy();
  out[&schedulingv1::PriorityClass::desc()] = priority_class_strategy();
  out[&corev1::LimitRange::desc()] = plain_created_by_put<corev1::LimitRange>();
  out[&corev1::ReplicationController::desc()] = replication_controller_strategy();
  out[&corev1::PersistentVolume::desc()] = persistent_volume_strategy();
  out[&corev1::PersistentVolumeClaim::desc()] = persistent_volume_claim_strategy();
  out[&corev1::ResourceQuota::desc()] = with_status_only();
  out[&appsv1::Deployment::desc()] = deployment_strategy();
  out[&appsv1::ReplicaSet::desc()] = replica_set_strategy();
  out[&appsv1::StatefulSet::desc()] = with_status();
  out[&appsv1::DaemonSet::desc()] = daemon_set_strategy();
  out[&batchv1::Job::desc()] = job_strategy();
  out[&batchv1::CronJob::desc()] = with_status();
  out[&autoscalingv1::HorizontalPodAutoscaler::desc()] = with_status_only();
  out[&autoscalingv1::HorizontalPodAutoscaler::desc()].made_annotations = {
      "autoscaling.alpha.kubernetes.io/metrics", "autoscaling.alpha.kubernetes.io/behavior",
      "autoscaling.alpha.kubernetes.io/current-metrics",
      "autoscaling.alpha.kubernetes.io/conditions"};
  out[&autoscalingv2::HorizontalPodAutoscaler::desc()] = with_status_only();
  out[&networkingv1::Ingress::desc()] = with_status();
  out[&networkingv1::NetworkPolicy::desc()] = with_generation();
  out[&networkingv1::IngressClass::desc()] = with_generation();
  out[&networkingv1::ServiceCIDR::desc()] = with_status_only();
  out[&policyv1::PodDisruptionBudget::desc()] = with_status();
  out[&certificatesv1::CertificateSigningRequest::desc()] = csr_strategy();
  out[&flowcontrolv1::FlowSchema::desc()] = flow_control_strategy();
  out[&flowcontrolv1::PriorityLevelConfiguration::desc()] = flow_control_strategy();
  out[&coordinationv1::Lease::desc()] = lease_strategy();
  out[&storagev1::VolumeAttachment::desc()] = with_status_only();
  out[&resourcev1::ResourceClaim::desc()] = with_status_only();
  out[&resourcev1::ResourceSlice::desc()] = with_generation();
  out[&resourcev1::DeviceClass::desc()] = with_generation();
  out[&discoveryv1::EndpointSlice::desc()] = endpoint_slice_strategy();
  out[&admissionregistrationv1::MutatingWebhookConfiguration::desc()] =
      with_generation_of_all<admissionregistrationv1::MutatingWebhookConfiguration>();
  out[&admissionregistrationv1::ValidatingWebhookConfiguration::desc()] =
      with_generation_of_all<admissionregistrationv1::ValidatingWebhookConfiguration>();
  out[&admissionregistrationv1::ValidatingAdmissionPolicy::desc()] = with_status();
  out[&admissionregistrationv1::ValidatingAdmissionPolicyBinding::desc()] = with_generation();
  out[&admissionregistrationv1::MutatingAdmissionPolicy::desc()] = with_generation();
  out[&admissionregistrationv1::MutatingAdmissionPolicyBinding::desc()] = with_generation();

  const auto of = [&out](const api::TypeDesc& type) -> Strategy& {
    return out.try_emplace(&type, plain()).first->second;
  };
  for (const auto* type :
       {&rbacv1::Role::desc(), &rbacv1::RoleBinding::desc(), &rbacv1::ClusterRole::desc(),
        &rbacv1::ClusterRoleBinding::desc(), &corev1::Service::desc()}) {
    of(*type).create_on_update = true;
  }
  for (const auto* type :
       {&coordinationv1::Lease::desc(), &storagev1::CSIDriver::desc(), &storagev1::CSINode::desc(),
        &storagev1::CSIStorageCapacity::desc(), &storagev1::VolumeAttachment::desc(),
        &policyv1::PodDisruptionBudget::desc(), &nodev1::RuntimeClass::desc(),
        &admissionregistrationv1::MutatingWebhookConfiguration::desc(),
        &admissionregistrationv1::ValidatingWebhookConfiguration::desc(),
        &admissionregistrationv1::MutatingAdmissionPolicy::desc(),
        &admissionregistrationv1::MutatingAdmissionPolicyBinding::desc(),
        &admissionregistrationv1::ValidatingAdmissionPolicy::desc(),
        &admissionregistrationv1::ValidatingAdmissionPolicyBinding::desc()}) {
    of(*type).unconditional_update = false;
  }
  for (const auto* type :
       {&corev1::PersistentVolume::desc(), &corev1::PersistentVolumeClaim::desc(),
        &corev1::ResourceQuota::desc(), &corev1::ServiceAccount::desc(),
        &storagev1::CSIDriver::desc(), &storagev1::CSINode::desc(),
        &storagev1::StorageClass::desc(), &storagev1::VolumeAttachment::desc(),
        &storagev1::VolumeAttributesClass::desc(), &resourcev1::DeviceClass::desc(),
        &resourcev1::ResourceClaim::desc(), &resourcev1::ResourceClaimTemplate::desc(),
        &resourcev1::ResourceSlice::desc()}) {
    of(*type).answers_deleted_object = true;
  }
  for (const auto* type :
       {&storagev1::VolumeAttachment::desc(), &resourcev1::ResourceClaim::desc()}) {
    of(*type).status_untracked = {"spec", "metadata"};
  }
  return out;
}

}  // namespace kpp::apiserver
