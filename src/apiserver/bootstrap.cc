#include "apiserver/bootstrap.h"

#include <array>

#include "api/corev1.h"
#include "api/json_codec.h"
#include "api/networkingv1.h"
#include "apiserver/allocators.h"
#include "apiserver/auth/rbac_reconcile.h"
#include "apiserver/own_objects.h"
#include "async/wait.h"

namespace kpp::apiserver {
namespace {

// data/bootstrap.json: the objects that do not depend on this cluster's settings.
constexpr unsigned char kObjects[] = {
#include "bootstrap.json.bytes"
};

constexpr std::string_view kNewConditionTime = "lastTransitionTime";

// What is still to be written, and the first error of the writes.
struct Work {
  Core& core;
  std::vector<store::Write> writes;
  Status failed;
};

// Queues the write of an object. One that is there already is left alone, unless it must be
// replaced, or is a role or a binding that lacks something.
Status queue(Work& work, api::Object object, IfThere there = IfThere::kAddRights) {
  KPP_ASSIGN(auto write, write_of(work.core, std::move(object), there));
  if (write) work.writes.push_back(std::move(*write));
  return {};
}

// A condition that the data has without a time is of now.
void set_times(json::Value& document, const std::string& now) {
  auto* status = document.as_object().if_contains("status");
  if (status == nullptr || !status->is_object()) return;
  auto* conditions = status->as_object().if_contains("conditions");
  if (conditions == nullptr || !conditions->is_array()) return;
  for (auto& condition : conditions->as_array()) {
    if (condition.is_object()) condition.as_object()[kNewConditionTime] = now;
  }
}

Status queue_fixed(Work& work) {
  const std::string_view text(reinterpret_cast<const char*>(kObjects), sizeof kObjects);
  KPP_ASSIGN(json::Value documents, json::parse(text));
  if (!documents.is_array())
    return Status(Reason::kInternalError, "bootstrap: the data is no list");
  const std::string now = rfc3339(work.core.executor.wall());
  for (auto& document : documents.as_array()) {
    const std::string_view api_version = json::text_at(document, "apiVersion");
    const auto slash = api_version.find('/');
    const std::string_view group =
        slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
    const std::string_view version =
        slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
    const api::TypeDesc* type = api::find_type(group, version, json::text_at(document, "kind"));
    if (type == nullptr) {
      return Status(Reason::kInternalError,
                    cat("bootstrap: unknown kind ", json::text_at(document, "kind")));
    }
    set_times(document, now);
    api::Object object(*type);
    KPP_RETURN_IF_ERROR(api::from_json(document, *type, object.data()));
    KPP_RETURN_IF_ERROR(queue(work, std::move(object)));
  }
  return {};
}

Status queue_service(Work& work, const BootstrapOptions& options) {
  networkingv1::ServiceCIDR cidr;
  cidr.metadata.name = "kubernetes";
  cidr.spec.cidrs = {options.service_cidr};
  auto& ready = cidr.status.conditions.emplace_back();
  ready.type = "Ready";
  ready.status = "True";
  ready.message = "Kubernetes default Service CIDR is ready";
  ready.last_transition_time = api::Time::from(work.core.executor.wall());
  KPP_RETURN_IF_ERROR(queue(work, api::Object::of(cidr)));

  const std::string address = work.core.allocators.first_address();
  corev1::Service service;
  service.metadata.namespace_ = "default";
  service.metadata.name = "kubernetes";
  service.metadata.labels = {{"component", "apiserver"}, {"provider", "kubernetes"}};
  service.spec.type = "ClusterIP";
  service.spec.cluster_ip = address;
  service.spec.cluster_ips = {address};
  service.spec.ip_families = {"IPv4"};
  service.spec.ip_family_policy = "SingleStack";
  auto& port = service.spec.ports.emplace_back();
  port.name = "https";
  port.protocol = "TCP";
  port.port = 443;
  port.target_port = api::IntOrString(options.secure_port);
  KPP_RETURN_IF_ERROR(queue(work, api::Object::of(service)));

  networkingv1::IPAddress ip;
  ip.metadata.name = address;
  ip.metadata.labels = {{"ipaddress.kubernetes.io/ip-family", "IPv4"},
                        {"ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io"}};
  auto& parent = ip.spec.parent_ref.emplace();
  parent.resource = "services";
  parent.namespace_ = "default";
  parent.name = "kubernetes";
  return queue(work, api::Object::of(ip));
}

// kube-system/extension-apiserver-authentication. Lists stand in it as JSON.
Status queue_trust(Work& work, const BootstrapOptions& options) {
  corev1::ConfigMap trust;
  trust.metadata.namespace_ = "kube-system";
  trust.metadata.name = "extension-apiserver-authentication";
  if (!options.client_ca_pem.empty()) trust.data["client-ca-file"] = options.client_ca_pem;
  const RequestHeaderOptions& headers = options.request_headers;
  if (!headers.client_ca_pem.empty()) {
    const auto add = [&](const char* name, const std::vector<std::string>& values) {
      json::Array list;
      for (const auto& value : values) list.emplace_back(value);
      trust.data[name] = json::write(list);
    };
    trust.data["requestheader-client-ca-file"] = headers.client_ca_pem;
    add("requestheader-allowed-names", headers.allowed_names);
    add("requestheader-username-headers", headers.username_headers);
    add("requestheader-uid-headers", headers.uid_headers);
    add("requestheader-group-headers", headers.group_headers);
    add("requestheader-extra-headers-prefix", headers.extra_header_prefixes);
  }
  if (trust.data.empty()) return {};
  return queue(work, api::Object::of(trust), IfThere::kReplace);
}

Status queue_all(Work& work, const BootstrapOptions& options) {
  KPP_RETURN_IF_ERROR(queue_fixed(work));
  KPP_RETURN_IF_ERROR(queue_service(work, options));
  KPP_RETURN_IF_ERROR(queue_trust(work, options));
  corev1::ConfigMap tracking;
  tracking.metadata.namespace_ = "kube-system";
  tracking.metadata.name = "kube-apiserver-legacy-service-account-token-tracking";
  tracking.data["since"] = rfc3339(work.core.executor.wall()).substr(0, 10);
  return queue(work, api::Object::of(tracking));
}

async::Task<void> write_one(Work& work, store::Write write, async::StopToken stop) {
  auto revision = co_await work.core.store.write(std::move(write), std::move(stop));
  if (revision || !work.failed.ok()) co_return;
  // Somebody else was quicker.
  if (revision.error().is(Reason::kAlreadyExists) || revision.error().is(Reason::kConflict))
    co_return;
  work.failed = std::move(revision).error().with_context("bootstrap");
}

}  // namespace

async::Task<Status> bootstrap_objects(net::Handler&, Core& core, BootstrapOptions options,
                                      async::StopToken stop) {
  Work work{core, {}, {}};
  KPP_CO_RETURN_IF_ERROR(queue_all(work, options));
  if (work.writes.empty()) co_return Status();
  // All at once, so that the store puts them into few commits.
  std::vector<async::Task<void>> tasks;
  tasks.reserve(work.writes.size());
  for (auto& write : work.writes) tasks.push_back(write_one(work, std::move(write), stop));
  co_await async::all(core.executor, std::move(tasks));
  KPP_CO_RETURN_IF_ERROR(work.failed);
  const bool seen =
      co_await core.cache.wait_for(core.store.revision(), std::chrono::seconds(10), stop);
  if (!seen)
    co_return Status(Reason::kTimeout, "bootstrap: the cache does not show what was written");
  co_return Status();
}

}  // namespace kpp::apiserver
