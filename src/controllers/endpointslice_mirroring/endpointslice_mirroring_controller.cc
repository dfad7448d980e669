#include "controllers/endpointslice_mirroring/endpointslice_mirroring_controller.h"

#include <algorithm>
#include <map>

#include "api/json_codec.h"
#include "controllers/endpointslice/desired_slices.h"

namespace kpp::controllers {
namespace {

constexpr const char* kMirroringManager = "endpointslicemirroring-controller.k8s.io";
constexpr const char* kSkipMirror = "endpointslice.kubernetes.io/skip-mirror";
constexpr const char* kLeader = "control-plane.alpha.kubernetes.io/leader";
constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr const char* kTriggerTime = "endpoints.kubernetes.io/last-change-trigger-time";
constexpr std::size_t kMaxEndpointsOfASubset = 1000;

std::string label(const metav1::ObjectMeta& meta, const char* name) {
  const auto it = meta.labels.find(name);
  return it == meta.labels.end() ? std::string() : it->second;
}

bool is_mirrored(const corev1::Endpoints& endpoints) {
  return label(endpoints.metadata, kSkipMirror) != "true" &&
         !endpoints.metadata.annotations.contains(kLeader);
}

discoveryv1::Endpoint endpoint_of(const corev1::EndpointAddress& address, bool ready) {
  discoveryv1::Endpoint out;
  out.addresses = {address.ip};
  out.conditions.ready = ready;
  if (!address.hostname.empty()) out.hostname = address.hostname;
  if (address.node_name) out.node_name = address.node_name;
  if (address.target_ref) out.target_ref = *address.target_ref;
  return out;
}

// Of what a mirror says: its ports, for a key.
std::string text_of(const std::vector<discoveryv1::EndpointPort>& ports) {
  std::string out;
  for (const auto& port : ports) out += cat(api::to_json(port), ";");
  return out;
}

bool same(const discoveryv1::EndpointSlice& a, const discoveryv1::EndpointSlice& b) {
  if (a.address_type != b.address_type || text_of(a.ports) != text_of(b.ports) ||
      a.metadata.labels != b.metadata.labels || a.endpoints.size() != b.endpoints.size() ||
      a.metadata.annotations != b.metadata.annotations) {
    return false;
  }
  return std::equal(a.endpoints.begin(), a.endpoints.end(), b.endpoints.begin(),
                    [](const auto& x, const auto& y) { return api::equal(x, y); });
}

}  // namespace

std::vector<discoveryv1::EndpointSlice> mirrored_slices(const corev1::Endpoints& endpoints) {
  std::map<std::pair<std::string, std::string>, discoveryv1::EndpointSlice> by_kind;
  for (const auto& subset : endpoints.subsets) {
    std::vector<discoveryv1::EndpointPort> ports;
    for (const auto& given : subset.ports) {
      auto& port = ports.emplace_back();
      port.name = given.name;
      port.port = given.port;
      port.protocol = given.protocol.empty() ? "TCP" : given.protocol;
      port.app_protocol = given.app_protocol;
    }
    std::size_t taken = 0;
    const auto add = [&](const corev1::EndpointAddress& address, bool ready) {
      if (taken++ >= kMaxEndpointsOfASubset) return;
      const std::string family = address.ip.find(':') == std::string::npos ? "IPv4" : "IPv6";
      auto& slice = by_kind[{family, text_of(ports)}];
      slice.address_type = family;
      slice.ports = ports;
      slice.endpoints.push_back(endpoint_of(address, ready));
    };
    for (const auto& address : subset.addresses) add(address, true);
    for (const auto& address : subset.not_ready_addresses) add(address, false);
  }
  std::vector<discoveryv1::EndpointSlice> out;
  for (auto& [kind, slice] : by_kind) {
    auto& meta = slice.metadata;
    meta.namespace_ = endpoints.metadata.namespace_;
    meta.generate_name = cat(endpoints.metadata.name, "-");
    meta.labels = endpoints.metadata.labels;
    meta.labels[kServiceNameLabel] = endpoints.metadata.name;
    meta.labels[kManagedByLabel] = kMirroringManager;
    meta.annotations = endpoints.metadata.annotations;
    meta.annotations.erase(kLastApplied);
    meta.annotations.erase(kTriggerTime);
    meta.owner_references = {
        api::controller_reference(corev1::Endpoints::desc(), endpoints.metadata)};
    out.push_back(std::move(slice));
  }
  return out;
}

EndpointSliceMirroringController::EndpointSliceMirroringController(ControllerContext context)
    : Controller(context, "endpointslice-mirroring-controller",
                 "endpoint-slice-mirroring-controller"),
      endpoints_(watch_keys<corev1::Endpoints>()),
      services_(watch_keys<corev1::Service>()),
      slices_(watch<discoveryv1::EndpointSlice>([this](const auto& before, const auto& after) {
        const auto& meta = (after ? after : before)->metadata;
        if (label(meta, kManagedByLabel) == kMirroringManager)
          queue().add({meta.namespace_, label(meta, kServiceNameLabel)});
      })) {}

std::vector<EndpointSliceMirroringController::SliceRef> EndpointSliceMirroringController::slices_of(
    const api::ObjectKey& endpoints) const {
  std::vector<SliceRef> out;
  for (auto& slice : slices_.in_namespace(endpoints.namespace_)) {
    if (label(slice->metadata, kManagedByLabel) == kMirroringManager &&
        label(slice->metadata, kServiceNameLabel) == endpoints.name &&
        !slice->metadata.deletion_timestamp) {
      out.push_back(std::move(slice));
    }
  }
  return out;
}

async::Task<Status> EndpointSliceMirroringController::reconcile(api::ObjectKey key,
                                                                async::StopToken stop) {
  const auto endpoints = endpoints_.get(key);
  const auto service = services_.get(key);
  std::vector<discoveryv1::EndpointSlice> wanted;
  if (endpoints && service && service->spec.selector.empty() && is_mirrored(*endpoints) &&
      !endpoints->metadata.deletion_timestamp) {
    wanted = mirrored_slices(*endpoints);
  }
  Status failed;
  for (const auto& slice : slices_of(key)) {
    const auto kept = std::find_if(wanted.begin(), wanted.end(), [&](const auto& w) {
      return w.address_type == slice->address_type && text_of(w.ports) == text_of(slice->ports);
    });
    if (kept == wanted.end()) {
      Status gone =
          co_await client().remove<discoveryv1::EndpointSlice>(api::key_of(*slice), {}, stop);
      if (!gone.ok() && !gone.is(Reason::kNotFound)) failed = std::move(gone);
      continue;
    }
    discoveryv1::EndpointSlice next = *slice;
    next.metadata.labels = kept->metadata.labels;
    next.metadata.annotations = kept->metadata.annotations;
    next.endpoints = kept->endpoints;
    wanted.erase(kept);
    if (same(next, *slice)) continue;
    auto updated = co_await client().update<discoveryv1::EndpointSlice>(std::move(next), stop);
    if (!updated) failed = std::move(updated).error();
  }
  for (auto& slice : wanted) {
    auto created = co_await client().create<discoveryv1::EndpointSlice>(std::move(slice), stop);
    if (!created) failed = std::move(created).error();
  }
  for (const auto& cause : failed.details().causes) {
    if (cause.type == "NamespaceTerminating") co_return Status();
  }
  if (!failed.ok() && !failed.is(Reason::kConflict) && endpoints) {
    events().event(client::reference_to(corev1::Endpoints::desc(), endpoints->metadata), "Warning",
                   "FailedToUpdateEndpointSlices",
                   cat("Error updating Endpoint Slices for ", key, ": ", failed.message()));
  }
  co_return failed;
}

}  // namespace kpp::controllers
