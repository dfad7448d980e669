#include <algorithm>
#include <set>
#include <string>

#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

std::string node_roles(const metav1::ObjectMeta& meta) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  for (const auto& [key, value] : meta.labels) {
    if (key.starts_with(kPrefix) && key.size() > kPrefix.size())
      roles.insert(key.substr(kPrefix.size()));
    else if (key == "kubernetes.io/role" && !value.empty())
      roles.insert(value);
  }
  return join({roles.begin(), roles.end()}, ",");
}

std::string_view node_address(const corev1::Node& node, std::string_view type) {
  const auto found = std::ranges::find(node.status.addresses, type, &corev1::NodeAddress::type);
  return found == node.status.addresses.end() ? kNone : std::string_view(found->address);
}

}  // namespace

void component_status_row(const corev1::ComponentStatus& status, Row& row) {
  std::string_view state = "Unknown", message, error;
  for (const auto& condition : status.conditions) {
    if (condition.type != "Healthy") continue;
    state = condition.status == "True" ? "Healthy" : "Unhealthy";
    message = condition.message;
    error = condition.error;
    break;
  }
  row.text(status.metadata.name).text(state).text(message).text(error);
}

void config_map_row(const corev1::ConfigMap& map, Row& row) {
  row.text(map.metadata.name)
      .number(static_cast<std::int64_t>(map.data.size() + map.binary_data.size()))
      .age(map.metadata);
}

void namespace_row(const corev1::Namespace& ns, Row& row) {
  row.text(ns.metadata.name).text(ns.status.phase).age(ns.metadata);
}

void node_row(const corev1::Node& node, Row& row) {
  std::string status = "Unknown";
  // The last condition of a type counts.
  for (const auto& condition : node.status.conditions)
    if (condition.type == "Ready") status = condition.status == "True" ? "Ready" : "NotReady";
  if (node.spec.unschedulable) status += ",SchedulingDisabled";
  const auto& info = node.status.node_info;
  row.text(node.metadata.name)
      .text(status)
      .text_or(node_roles(node.metadata), kNone)
      .age(node.metadata)
      .text(info.kubelet_version)
      .text(node_address(node, "InternalIP"))
      .text(node_address(node, "ExternalIP"))
      .text_or(info.os_image, kUnknown)
      .text_or(info.kernel_version, kUnknown)
      .text_or(info.container_runtime_version, kUnknown);
}

void pod_template_row(const corev1::PodTemplate& pod_template, Row& row) {
  row.text(pod_template.metadata.name)
      .containers(pod_template.template_.spec.containers)
      .text(format_labels(pod_template.template_.metadata.labels));
}

void replication_controller_row(const corev1::ReplicationController& controller, Row& row) {
  row.text(controller.metadata.name)
      .number(controller.spec.replicas.value_or(0))
      .number(controller.status.replicas)
      .number(controller.status.ready_replicas)
      .age(controller.metadata);
  if (controller.spec.template_)
    row.containers(controller.spec.template_->spec.containers);
  else
    row.text("").text("");
  row.text(format_labels(controller.spec.selector));
}

void resource_quota_row(const corev1::ResourceQuota& quota, Row& row) {
  std::string requests, limits;
  for (const auto& [name, hard] : quota.status.hard) {
    auto& out = name.starts_with("limits") ? limits : requests;
    if (!out.empty()) out += ", ";
    const auto used = quota.status.used.find(name);
    out += cat(name, ": ",
               used == quota.status.used.end() ? std::string("0") : used->second.to_string(), '/',
               hard.to_string());
  }
  row.text(quota.metadata.name).text(requests).text(limits).age(quota.metadata);
}

void secret_row(const corev1::Secret& secret, Row& row) {
  row.text(secret.metadata.name)
      .text(secret.type)
      .number(static_cast<std::int64_t>(secret.data.size()))
      .age(secret.metadata);
}

void service_account_row(const corev1::ServiceAccount& account, Row& row) {
  row.text(account.metadata.name).age(account.metadata);
}

}  // namespace kpp::apiserver
