#include "apiserver/table/table.h"

#include <map>
#include <span>

#include "api/meta.h"
#include "apiserver/table/printers.h"
#include "base/cat.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kNameDoc =
    "Name must be unique within a namespace. Is required when creating resources, although some "
    "resources may allow a client to request the generation of an appropriate name automatically. "
    "Name is primarily intended for creation idempotence and configuration definition. Cannot be "
    "updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
constexpr std::string_view kCreatedDoc =
    "CreationTimestamp is a timestamp representing the server time when this object was created. "
    "It is not guaranteed to be set in happens-before order across separate operations. Clients "
    "may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the "
    "system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

constexpr api::ColumnDesc kDefaultColumns[] = {
    {"Name", "string", "name", kNameDoc, 0},
    {"Created At", "date", "", kCreatedDoc, 0},
};
constexpr api::ColumnDesc kApiServiceColumns[] = {
    {"Name", "string", "name", kNameDoc, 0},
    {"Service", "string", "", "The reference to the service that hosts this API endpoint.", 0},
    {"Available", "string", "", "Whether this service is available.", 0},
    {"Age", "string", "", kCreatedDoc, 0},
};

constexpr api::ColumnDesc kScaleColumns[] = {
    {"Name", "string", "", kNameDoc, 0},
    {"Desired", "integer", "", "replicas is the desired number of instances for the scaled object.",
     0},
    {"Available", "integer", "",
     "replicas is the actual number of observed instances of the scaled object.", 0},
    {"Age", "string", "", kCreatedDoc, 0},
};

using Printer = void (*)(const void* object, Row& row);

struct Entry {
  const api::TypeDesc* type;
  Printer print;
};

template <class T, void (*kPrint)(const T&, Row&)>
Entry entry() {
  return {&T::desc(),
          [](const void* object, Row& row) { kPrint(*static_cast<const T*>(object), row); }};
}

// All kinds that have columns of their own.
std::span<const Entry> printers() {
  static const Entry table[] = {
      entry<corev1::ComponentStatus, component_status_row>(),
      entry<corev1::ConfigMap, config_map_row>(),
      entry<corev1::Endpoints, endpoints_row>(),
      entry<corev1::Event, event_row>(),
      entry<corev1::Namespace, namespace_row>(),
      entry<corev1::Node, node_row>(),
      entry<corev1::PersistentVolume, persistent_volume_row>(),
      entry<corev1::PersistentVolumeClaim, persistent_volume_claim_row>(),
      entry<corev1::Pod, pod_row>(),
      entry<corev1::PodTemplate, pod_template_row>(),
      entry<corev1::ReplicationController, replication_controller_row>(),
      entry<corev1::ResourceQuota, resource_quota_row>(),
      entry<corev1::Secret, secret_row>(),
      entry<corev1::Service, service_row>(),
      entry<corev1::ServiceAccount, service_account_row>(),
      entry<admissionregistrationv1::MutatingAdmissionPolicy, mutating_policy_row>(),
      entry<admissionregistrationv1::MutatingAdmissionPolicyBinding, mutating_policy_binding_row>(),
      entry<admissionregistrationv1::MutatingWebhookConfiguration, mutating_webhook_row>(),
      entry<admissionregistrationv1::ValidatingAdmissionPolicy, validating_policy_row>(),
      entry<admissionregistrationv1::ValidatingAdmissionPolicyBinding,
            validating_policy_binding_row>(),
      entry<admissionregistrationv1::ValidatingWebhookConfiguration, validating_webhook_row>(),
      entry<apiregistrationv1::APIService, api_service_row>(),
      entry<appsv1::ControllerRevision, controller_revision_row>(),
      entry<appsv1::DaemonSet, daemon_set_row>(),
      entry<appsv1::Deployment, deployment_row>(),
      entry<appsv1::ReplicaSet, replica_set_row>(),
      entry<appsv1::StatefulSet, stateful_set_row>(),
      entry<autoscalingv1::HorizontalPodAutoscaler, autoscaler_v1_row>(),
      entry<autoscalingv1::Scale, scale_row>(),
      entry<autoscalingv2::HorizontalPodAutoscaler, autoscaler_v2_row>(),
      entry<batchv1::CronJob, cron_job_row>(),
      entry<batchv1::Job, job_row>(),
      entry<certificatesv1::CertificateSigningRequest, signing_request_row>(),
      entry<coordinationv1::Lease, lease_row>(),
      entry<discoveryv1::EndpointSlice, endpoint_slice_row>(),
      entry<eventsv1::Event, events_group_row>(),
      entry<flowcontrolv1::FlowSchema, flow_schema_row>(),
      entry<flowcontrolv1::PriorityLevelConfiguration, priority_level_row>(),
      entry<networkingv1::Ingress, ingress_row>(),
      entry<networkingv1::IngressClass, ingress_class_row>(),
      entry<networkingv1::IPAddress, ip_address_row>(),
      entry<networkingv1::NetworkPolicy, network_policy_row>(),
      entry<networkingv1::ServiceCIDR, service_cidr_row>(),
      entry<nodev1::RuntimeClass, runtime_class_row>(),
      entry<policyv1::PodDisruptionBudget, pod_disruption_budget_row>(),
      entry<rbacv1::ClusterRoleBinding, cluster_role_binding_row>(),
      entry<rbacv1::RoleBinding, role_binding_row>(),
      entry<resourcev1::DeviceClass, device_class_row>(),
      entry<resourcev1::ResourceClaim, resource_claim_row>(),
      entry<resourcev1::ResourceClaimTemplate, resource_claim_template_row>(),
      entry<resourcev1::ResourceSlice, resource_slice_row>(),
      entry<schedulingv1::PriorityClass, priority_class_row>(),
      entry<storagev1::CSIDriver, csi_driver_row>(),
      entry<storagev1::CSINode, csi_node_row>(),
      entry<storagev1::StorageClass, storage_class_row>(),
      entry<storagev1::VolumeAttachment, volume_attachment_row>(),
      entry<storagev1::VolumeAttributesClass, volume_attributes_class_row>(),
  };
  return table;
}

std::span<const api::ColumnDesc> columns_of(const api::TypeDesc& type) {
  if (&type == &apiregistrationv1::APIService::desc()) return kApiServiceColumns;
  if (&type == &autoscalingv1::Scale::desc()) return kScaleColumns;
  if (!type.resource || !type.resource->table_served || type.resource->columns.empty())
    return kDefaultColumns;
  return type.resource->columns;
}

Printer printer_of(const api::TypeDesc& type) {
  static const auto index = [] {
    std::map<const api::TypeDesc*, Printer> out;
    for (const auto& e : printers()) out.emplace(e.type, e.print);
    return out;
  }();
  if (columns_of(type).data() == kDefaultColumns) return nullptr;
  const auto found = index.find(&type);
  return found == index.end() ? nullptr : found->second;
}

std::string write_columns(const api::TypeDesc& type) {
  std::string out = "[";
  // Without a printer of its own, a kind's rows have two cells.
  const auto columns =
      printer_of(type) ? columns_of(type) : std::span<const api::ColumnDesc>(kDefaultColumns);
  const auto member = [&out](std::string_view name, std::string_view value) {
    out += name;
    json::write_string(out, value);
  };
  for (const auto& column : columns) {
    if (out.size() > 1) out += ',';
    member(R"({"name":)", column.name);
    member(R"(,"type":)", column.type);
    member(R"(,"format":)", column.format);
    member(R"(,"description":)", column.description);
    out += cat(R"(,"priority":)", column.priority, '}');
  }
  return out + "]";
}

}  // namespace

const std::string& table_columns(const api::TypeDesc& type) {
  static const auto all = [] {
    std::map<const api::TypeDesc*, std::string> out;
    for (const auto* t : api::all_types())
      if (t->resource) out.emplace(t, write_columns(*t));
    out.emplace(&apiregistrationv1::APIService::desc(),
                write_columns(apiregistrationv1::APIService::desc()));
    out.emplace(&autoscalingv1::Scale::desc(), write_columns(autoscalingv1::Scale::desc()));
    out.emplace(nullptr, write_columns(metav1::PartialObjectMetadata::desc()));
    return out;
  }();
  const auto found = all.find(&type);
  return found == all.end() ? all.at(nullptr) : found->second;
}

TableRow table_row(const api::Object& object, WallTime now) {
  Row row(now);
  if (const auto print = printer_of(object.desc())) {
    print(object.data(), row);
  } else if (const auto* meta = api::metadata(object.desc(), object.data())) {
    row.text(meta->name).text(rfc3339(meta->creation_timestamp.wall()));
  }
  return {row.take_cells(), row.take_conditions()};
}

}  // namespace kpp::apiserver
