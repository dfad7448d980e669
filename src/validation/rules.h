// The rules of every kind: overloads that the registry ties to the types. A kind without
// `validate_change` of its own is checked on update like a new object, with the rules of metadata
// updates before.
#pragma once

#include "api/admissionregistrationv1.h"
#include "api/apiregistrationv1.h"
#include "api/appsv1.h"
#include "api/authorizationv1.h"
#include "api/autoscalingv1.h"
#include "api/autoscalingv2.h"
#include "api/batchv1.h"
#include "api/certificatesv1.h"
#include "api/coordinationv1.h"
#include "api/corev1.h"
#include "api/discoveryv1.h"
#include "api/eventsv1.h"
#include "api/flowcontrolv1.h"
#include "api/networkingv1.h"
#include "api/nodev1.h"
#include "api/policyv1.h"
#include "api/rbacv1.h"
#include "api/resourcev1.h"
#include "api/schedulingv1.h"
#include "api/storagev1.h"
#include "validation/validate.h"

namespace kpp::validation {

// KPP_RULES(T): checks new objects of type T. KPP_CHANGE_RULES(T): checks updates too.
#define KPP_RULES(T) void validate(FieldErrors& errors, const T& object, const Context& context)
#define KPP_CHANGE_RULES(T) \
  KPP_RULES(T);             \
  void validate_change(FieldErrors& errors, const T& object, const T& old, const Context& context)

KPP_CHANGE_RULES(corev1::ConfigMap);
KPP_CHANGE_RULES(corev1::Endpoints);
KPP_CHANGE_RULES(corev1::Event);
KPP_RULES(corev1::LimitRange);
KPP_CHANGE_RULES(corev1::Namespace);
KPP_CHANGE_RULES(corev1::Node);
KPP_CHANGE_RULES(corev1::PersistentVolume);
KPP_CHANGE_RULES(corev1::PersistentVolumeClaim);
KPP_CHANGE_RULES(corev1::Pod);
KPP_RULES(corev1::PodTemplate);
KPP_CHANGE_RULES(corev1::ReplicationController);
KPP_CHANGE_RULES(corev1::ResourceQuota);
KPP_CHANGE_RULES(corev1::Secret);
KPP_CHANGE_RULES(corev1::Service);
KPP_RULES(corev1::ServiceAccount);
KPP_RULES(corev1::Binding);
KPP_CHANGE_RULES(appsv1::ControllerRevision);
KPP_CHANGE_RULES(appsv1::DaemonSet);
KPP_CHANGE_RULES(appsv1::Deployment);
KPP_CHANGE_RULES(appsv1::ReplicaSet);
KPP_CHANGE_RULES(appsv1::StatefulSet);
KPP_CHANGE_RULES(batchv1::CronJob);
KPP_CHANGE_RULES(batchv1::Job);
KPP_CHANGE_RULES(discoveryv1::EndpointSlice);
KPP_CHANGE_RULES(networkingv1::Ingress);
KPP_CHANGE_RULES(networkingv1::IngressClass);
KPP_CHANGE_RULES(networkingv1::NetworkPolicy);
KPP_CHANGE_RULES(autoscalingv1::Scale);
KPP_CHANGE_RULES(autoscalingv2::HorizontalPodAutoscaler);
KPP_CHANGE_RULES(policyv1::PodDisruptionBudget);
KPP_CHANGE_RULES(rbacv1::ClusterRole);
KPP_CHANGE_RULES(rbacv1::ClusterRoleBinding);
KPP_CHANGE_RULES(rbacv1::Role);
KPP_CHANGE_RULES(rbacv1::RoleBinding);
KPP_CHANGE_RULES(schedulingv1::PriorityClass);
KPP_CHANGE_RULES(nodev1::RuntimeClass);
KPP_CHANGE_RULES(coordinationv1::Lease);
KPP_CHANGE_RULES(storagev1::CSIDriver);
KPP_CHANGE_RULES(storagev1::CSINode);
KPP_CHANGE_RULES(storagev1::CSIStorageCapacity);
KPP_CHANGE_RULES(storagev1::StorageClass);
KPP_CHANGE_RULES(storagev1::VolumeAttachment);
KPP_CHANGE_RULES(storagev1::VolumeAttributesClass);
KPP_RULES(admissionregistrationv1::MutatingAdmissionPolicy);
KPP_RULES(admissionregistrationv1::MutatingAdmissionPolicyBinding);
KPP_RULES(admissionregistrationv1::MutatingWebhookConfiguration);
KPP_CHANGE_RULES(admissionregistrationv1::ValidatingAdmissionPolicy);
KPP_RULES(admissionregistrationv1::ValidatingAdmissionPolicyBinding);
KPP_RULES(admissionregistrationv1::ValidatingWebhookConfiguration);
KPP_CHANGE_RULES(certificatesv1::CertificateSigningRequest);
KPP_RULES(resourcev1::DeviceClass);
KPP_CHANGE_RULES(resourcev1::ResourceClaim);
KPP_CHANGE_RULES(resourcev1::ResourceClaimTemplate);
KPP_CHANGE_RULES(resourcev1::ResourceSlice);
KPP_CHANGE_RULES(eventsv1::Event);
KPP_RULES(flowcontrolv1::FlowSchema);
KPP_RULES(flowcontrolv1::PriorityLevelConfiguration);
KPP_RULES(networkingv1::IPAddress);
KPP_CHANGE_RULES(networkingv1::ServiceCIDR);
KPP_RULES(apiregistrationv1::APIService);
KPP_RULES(authorizationv1::SelfSubjectAccessReview);
KPP_RULES(authorizationv1::SubjectAccessReview);
KPP_RULES(authorizationv1::LocalSubjectAccessReview);

#undef KPP_RULES
#undef KPP_CHANGE_RULES

}  // namespace kpp::validation
