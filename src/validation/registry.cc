// Which rules hold for which type.
#include <unordered_map>
#include <utility>

#include "api/meta.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"
#include "validation/validate.h"

namespace kpp::validation {
namespace {

struct Rules {
  void (*create)(FieldErrors&, const void*, const Context&) = nullptr;
  void (*change)(FieldErrors&, const void*, const void*, const Context&) = nullptr;
};

template <class T>
void create_of(FieldErrors& errors, const void* object, const Context& context) {
  validate(errors, *static_cast<const T*>(object), context);
}

template <class T>
void change_of(FieldErrors& errors, const void* object, const void* old, const Context& context) {
  const T& now = *static_cast<const T*>(object);
  const T& before = *static_cast<const T*>(old);
  if constexpr (requires { validate_change(errors, now, before, context); }) {
    validate_change(errors, now, before, context);
  } else {
    check_metadata_update(errors, now.metadata, before.metadata);
    validate(errors, now, context);
  }
}

template <class T>
std::pair<const api::TypeDesc*, Rules> rules_of() {
  return {&T::desc(), {create_of<T>, change_of<T>}};
}

using Table = std::unordered_map<const api::TypeDesc*, Rules>;

const Table& table() {
  static const Table all = {
      rules_of<corev1::Binding>(),
      rules_of<corev1::ConfigMap>(),
      rules_of<corev1::Endpoints>(),
      rules_of<corev1::Event>(),
      rules_of<corev1::LimitRange>(),
      rules_of<corev1::Namespace>(),
      rules_of<corev1::Node>(),
      rules_of<corev1::PersistentVolume>(),
      rules_of<corev1::PersistentVolumeClaim>(),
      rules_of<corev1::Pod>(),
      rules_of<corev1::PodTemplate>(),
      rules_of<corev1::ReplicationController>(),
      rules_of<corev1::ResourceQuota>(),
      rules_of<corev1::Secret>(),
      rules_of<corev1::Service>(),
      rules_of<corev1::ServiceAccount>(),
      rules_of<appsv1::ControllerRevision>(),
      rules_of<appsv1::DaemonSet>(),
      rules_of<appsv1::Deployment>(),
      rules_of<appsv1::ReplicaSet>(),
      rules_of<appsv1::StatefulSet>(),
      rules_of<discoveryv1::EndpointSlice>(),
      rules_of<autoscalingv1::Scale>(),
      rules_of<batchv1::CronJob>(),
      rules_of<batchv1::Job>(),
      rules_of<networkingv1::Ingress>(),
      rules_of<networkingv1::IngressClass>(),
      rules_of<networkingv1::NetworkPolicy>(),
      rules_of<autoscalingv2::HorizontalPodAutoscaler>(),
      rules_of<policyv1::PodDisruptionBudget>(),
      rules_of<rbacv1::ClusterRole>(),
      rules_of<rbacv1::ClusterRoleBinding>(),
      rules_of<rbacv1::Role>(),
      rules_of<rbacv1::RoleBinding>(),
      rules_of<schedulingv1::PriorityClass>(),
      rules_of<nodev1::RuntimeClass>(),
      rules_of<coordinationv1::Lease>(),
      rules_of<storagev1::CSIDriver>(),
      rules_of<storagev1::CSINode>(),
      rules_of<storagev1::CSIStorageCapacity>(),
      rules_of<storagev1::StorageClass>(),
      rules_of<storagev1::VolumeAttachment>(),
      rules_of<storagev1::VolumeAttributesClass>(),
      rules_of<admissionregistrationv1::MutatingAdmissionPolicy>(),
      rules_of<admissionregistrationv1::MutatingAdmissionPolicyBinding>(),
      rules_of<admissionregistrationv1::MutatingWebhookConfiguration>(),
      rules_of<admissionregistrationv1::ValidatingAdmissionPolicy>(),
      rules_of<admissionregistrationv1::ValidatingAdmissionPolicyBinding>(),
      rules_of<admissionregistrationv1::ValidatingWebhookConfiguration>(),
      rules_of<certificatesv1::CertificateSigningRequest>(),
      rules_of<resourcev1::DeviceClass>(),
      rules_of<resourcev1::ResourceClaim>(),
      rules_of<resourcev1::ResourceClaimTemplate>(),
      rules_of<resourcev1::ResourceSlice>(),
      rules_of<eventsv1::Event>(),
      rules_of<flowcontrolv1::FlowSchema>(),
      rules_of<flowcontrolv1::PriorityLevelConfiguration>(),
      rules_of<networkingv1::IPAddress>(),
      rules_of<networkingv1::ServiceCIDR>(),
      rules_of<apiregistrationv1::APIService>(),
      rules_of<authorizationv1::LocalSubjectAccessReview>(),
      rules_of<authorizationv1::SelfSubjectAccessReview>(),
      rules_of<authorizationv1::SubjectAccessReview>(),
  };
  return all;
}

const Rules* find_rules(const api::TypeDesc& desc) {
  const auto found = table().find(&desc);
  return found == table().end() ? nullptr : &found->second;
}

// Reviews are answered, not kept: they need no name.
bool is_kept(const api::TypeDesc& desc) {
  return !desc.resource || desc.resource->verbs != "create";
}

const metav1::ObjectMeta* metadata_of(const api::Object& object) {
  return api::metadata(object.desc(), object.data());
}

}  // namespace

bool has_rules(const api::TypeDesc& type) { return find_rules(type) != nullptr; }

FieldErrors validate_create(const api::Object& object, const Context& context) {
  FieldErrors errors;
  if (const Rules* rules = find_rules(object.desc())) {
    rules->create(errors, object.data(), context);
  } else if (const metav1::ObjectMeta* metadata = metadata_of(object);
             metadata && is_kept(object.desc())) {
    const bool namespaced = object.desc().resource && object.desc().resource->namespaced;
    check_metadata(errors, *metadata, namespaced, subdomain_name);
  }
  return errors;
}

FieldErrors validate_update(const api::Object& object, const api::Object& old,
                            const Context& context) {
  FieldErrors errors;
  const metav1::ObjectMeta* metadata = metadata_of(object);
  const metav1::ObjectMeta* before = metadata_of(old);
  // The original checks metadata before the kind's own rules, which check it again: a fault is a
  // cause twice.
  if (metadata && before) {
    check_metadata_update(errors, *metadata, *before);
    check_labels(errors, FieldPath("metadata").child("labels"), metadata->labels);
  }
  if (const Rules* rules = find_rules(object.desc())) {
    rules->change(errors, object.data(), old.data(), context);
  } else if (metadata && before) {
    check_metadata_update(errors, *metadata, *before);
  }
  return errors;
}

}  // namespace kpp::validation
