// The rows of every kind that has columns of its own. Each function appends the cells of one
// object.
#pragma once

#include "api/admissionregistrationv1.h"
#include "api/apiregistrationv1.h"
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
#include "api/networkingv1.h"
#include "api/nodev1.h"
#include "api/policyv1.h"
#include "api/rbacv1.h"
#include "api/resourcev1.h"
#include "api/schedulingv1.h"
#include "api/storagev1.h"
#include "apiserver/table/row.h"

namespace kpp::apiserver {

// pod.cc
void pod_row(const corev1::Pod& pod, Row& row);

// core.cc
void component_status_row(const corev1::ComponentStatus& status, Row& row);
void config_map_row(const corev1::ConfigMap& map, Row& row);
void namespace_row(const corev1::Namespace& ns, Row& row);
void node_row(const corev1::Node& node, Row& row);
void pod_template_row(const corev1::PodTemplate& pod_template, Row& row);
void replication_controller_row(const corev1::ReplicationController& controller, Row& row);
void resource_quota_row(const corev1::ResourceQuota& quota, Row& row);
void secret_row(const corev1::Secret& secret, Row& row);
void service_account_row(const corev1::ServiceAccount& account, Row& row);

// events.cc
void event_row(const corev1::Event& event, Row& row);
void events_group_row(const eventsv1::Event& event, Row& row);

// services.cc
void service_row(const corev1::Service& service, Row& row);
void endpoints_row(const corev1::Endpoints& endpoints, Row& row);
void endpoint_slice_row(const discoveryv1::EndpointSlice& slice, Row& row);
void ingress_row(const networkingv1::Ingress& ingress, Row& row);
void ingress_class_row(const networkingv1::IngressClass& ingress_class, Row& row);
void ip_address_row(const networkingv1::IPAddress& address, Row& row);
void network_policy_row(const networkingv1::NetworkPolicy& policy, Row& row);
void service_cidr_row(const networkingv1::ServiceCIDR& cidr, Row& row);

// workloads.cc
void controller_revision_row(const appsv1::ControllerRevision& revision, Row& row);
void cron_job_row(const batchv1::CronJob& cron_job, Row& row);
void daemon_set_row(const appsv1::DaemonSet& set, Row& row);
void deployment_row(const appsv1::Deployment& deployment, Row& row);
void job_row(const batchv1::Job& job, Row& row);
void pod_disruption_budget_row(const policyv1::PodDisruptionBudget& budget, Row& row);
void priority_class_row(const schedulingv1::PriorityClass& priority_class, Row& row);
void replica_set_row(const appsv1::ReplicaSet& set, Row& row);
void runtime_class_row(const nodev1::RuntimeClass& runtime_class, Row& row);
void stateful_set_row(const appsv1::StatefulSet& set, Row& row);

// autoscaling.cc
void scale_row(const autoscalingv1::Scale& scale, Row& row);
void autoscaler_v1_row(const autoscalingv1::HorizontalPodAutoscaler& autoscaler, Row& row);
void autoscaler_v2_row(const autoscalingv2::HorizontalPodAutoscaler& autoscaler, Row& row);

// storage.cc
void csi_driver_row(const storagev1::CSIDriver& driver, Row& row);
void csi_node_row(const storagev1::CSINode& node, Row& row);
void persistent_volume_row(const corev1::PersistentVolume& volume, Row& row);
void persistent_volume_claim_row(const corev1::PersistentVolumeClaim& claim, Row& row);
void storage_class_row(const storagev1::StorageClass& storage_class, Row& row);
void volume_attachment_row(const storagev1::VolumeAttachment& attachment, Row& row);
void volume_attributes_class_row(const storagev1::VolumeAttributesClass& attributes, Row& row);

// admission.cc
void mutating_policy_row(const admissionregistrationv1::MutatingAdmissionPolicy& policy, Row& row);
void mutating_policy_binding_row(
    const admissionregistrationv1::MutatingAdmissionPolicyBinding& binding, Row& row);
void mutating_webhook_row(const admissionregistrationv1::MutatingWebhookConfiguration& hooks,
                          Row& row);
void validating_policy_row(const admissionregistrationv1::ValidatingAdmissionPolicy& policy,
                           Row& row);
void validating_policy_binding_row(
    const admissionregistrationv1::ValidatingAdmissionPolicyBinding& binding, Row& row);
void validating_webhook_row(const admissionregistrationv1::ValidatingWebhookConfiguration& hooks,
                            Row& row);

// control.cc
void api_service_row(const apiregistrationv1::APIService& service, Row& row);
void cluster_role_binding_row(const rbacv1::ClusterRoleBinding& binding, Row& row);
void flow_schema_row(const flowcontrolv1::FlowSchema& schema, Row& row);
void lease_row(const coordinationv1::Lease& lease, Row& row);
void priority_level_row(const flowcontrolv1::PriorityLevelConfiguration& level, Row& row);
void role_binding_row(const rbacv1::RoleBinding& binding, Row& row);
void signing_request_row(const certificatesv1::CertificateSigningRequest& request, Row& row);

// devices.cc
void device_class_row(const resourcev1::DeviceClass& device_class, Row& row);
void resource_claim_row(const resourcev1::ResourceClaim& claim, Row& row);
void resource_claim_template_row(const resourcev1::ResourceClaimTemplate& claim, Row& row);
void resource_slice_row(const resourcev1::ResourceSlice& slice, Row& row);

}  // namespace kpp::apiserver
