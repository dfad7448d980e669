#include "controllers/endpointslice/endpointslice_controller.h"

#include "controllers/endpointslice/desired_slices.h"
#include "controllers/label_matching.h"
#include "controllers/pod_state.h"

namespace kpp::controllers {
namespace {

bool concerns_endpoints(const corev1::Pod& a, const corev1::Pod& b) {
  return a.metadata.labels != b.metadata.labels || is_ready(a) != is_ready(b) ||
         is_finished(a) != is_finished(b) ||
         a.metadata.deletion_timestamp.has_value() != b.metadata.deletion_timestamp.has_value() ||
         a.status.pod_ip != b.status.pod_ip || a.status.pod_ips.size() != b.status.pod_ips.size() ||
         a.spec.node_name != b.spec.node_name || a.spec.hostname != b.spec.hostname;
}

std::string label(const metav1::ObjectMeta& meta, const char* name) {
  const auto it = meta.labels.find(name);
  return it == meta.labels.end() ? std::string() : it->second;
}

}  // namespace

std::vector<api::ObjectKey> services_of(const Lister<corev1::Service>& services,
                                        const std::shared_ptr<const corev1::Pod>& before,
                                        const std::shared_ptr<const corev1::Pod>& after) {
  std::vector<api::ObjectKey> out;
  if (before && after && !concerns_endpoints(*before, *after)) return out;
  const auto& ns = (after ? after : before)->metadata.namespace_;
  for (const auto& service : services.in_namespace(ns)) {
    if (service->spec.selector.empty()) continue;
    const bool selected = (before && contains(before->metadata.labels, service->spec.selector)) ||
                          (after && contains(after->metadata.labels, service->spec.selector));
    if (selected) out.push_back(api::key_of(*service));
  }
  return out;
}

std::vector<std::shared_ptr<const corev1::Pod>> pods_of(const Lister<corev1::Pod>& pods,
                                                        const corev1::Service& service) {
  std::vector<std::shared_ptr<const corev1::Pod>> out;
  for (auto& pod : pods.in_namespace(service.metadata.namespace_)) {
    if (contains(pod->metadata.labels, service.spec.selector)) out.push_back(std::move(pod));
  }
  return out;
}

EndpointSliceController::EndpointSliceController(ControllerContext context)
    : Controller(context, "endpointslice-controller", "endpoint-slice-controller"),
      expectations_(executor()),
      services_(watch_keys<corev1::Service>()),
      pods_(watch<corev1::Pod>([this](const auto& before, const auto& after) {
        for (const auto& key : services_of(services_, before, after)) queue().add(key);
      })),
      nodes_(read<corev1::Node>()),
      slices_(watch<discoveryv1::EndpointSlice>(
          [this](const SliceRef& before, const SliceRef& after) { on_slice(before, after); })) {}

void EndpointSliceController::on_slice(const SliceRef& before, const SliceRef& after) {
  const auto& meta = (after ? after : before)->metadata;
  if (label(meta, kManagedByLabel) != kSliceManager) return;
  const api::ObjectKey service{meta.namespace_, label(meta, kServiceNameLabel)};
  if (!before) expectations_.creation_seen(service);
  queue().add(service);
}

std::vector<EndpointSliceController::SliceRef> EndpointSliceController::slices_of(
    const api::ObjectKey& service) const {
  std::vector<SliceRef> out;
  for (auto& slice : slices_.in_namespace(service.namespace_)) {
    const bool ours = label(slice->metadata, kServiceNameLabel) == service.name &&
                      label(slice->metadata, kManagedByLabel) == kSliceManager;
    if (ours && !slice->metadata.deletion_timestamp) out.push_back(std::move(slice));
  }
  return out;
}

async::Task<Status> EndpointSliceController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto service = services_.get(key);
  if (!service || !has_endpoints(*service)) {
    // Those of a service that is gone are collected as garbage.
    expectations_.forget(key);
    co_return Status();
  }
  if (service->metadata.deletion_timestamp || !expectations_.satisfied(key)) co_return Status();
  const auto pods = pods_of(pods_, *service);
  const auto zone_of = [this](const std::string& name) {
    const auto node = nodes_.get({"", name});
    return node ? label(node->metadata, "topology.kubernetes.io/zone") : std::string();
  };
  SliceChanges changes = slice_changes(*service, pods, slices_of(key), zone_of);
  const std::string trigger = last_change(*service, pods).to_string();
  if (!changes.create.empty())
    expectations_.expect_creations(key, static_cast<int>(changes.create.size()));
  Status failed;
  for (auto& slice : changes.create) {
    slice.metadata.annotations[kLastChangeTriggerTime] = trigger;
    auto created = co_await client().create<discoveryv1::EndpointSlice>(std::move(slice), stop);
    if (created) continue;
    expectations_.creation_seen(key);
    failed = std::move(created).error();
  }
  for (auto& slice : changes.update) {
    slice.metadata.annotations[kLastChangeTriggerTime] = trigger;
    auto updated = co_await client().update<discoveryv1::EndpointSlice>(std::move(slice), stop);
    if (!updated) failed = std::move(updated).error();
  }
  for (const auto& slice : changes.remove) {
    Status status =
        co_await client().remove<discoveryv1::EndpointSlice>(api::key_of(slice), {}, stop);
    if (!status.ok() && !status.is(Reason::kNotFound)) failed = std::move(status);
  }
  for (const auto& cause : failed.details().causes) {
    if (cause.type == "NamespaceTerminating") co_return Status();
  }
  if (!failed.ok() && !failed.is(Reason::kConflict)) {
    events().event(client::reference_to(corev1::Service::desc(), service->metadata), "Warning",
                   "FailedToUpdateEndpointSlices",
                   cat("Error updating Endpoint Slices for Service ", key, ": ", failed.message()));
  }
  co_return failed;
}

}  // namespace kpp::controllers
