#include "controllers/endpoints/endpoints_controller.h"

#include "api/json_codec.h"
#include "controllers/endpoints/subsets.h"
#include "controllers/endpointslice/endpointslice_controller.h"

namespace kpp::controllers {
namespace {

constexpr const char* kManagedBy = "endpoints.kubernetes.io/managed-by";
constexpr const char* kManager = "endpoint-controller";
constexpr const char* kOverCapacity = "endpoints.kubernetes.io/over-capacity";

}  // namespace

EndpointsController::EndpointsController(ControllerContext context)
    : Controller(context, "endpoints-controller", "endpoint-controller"),
      services_(watch_keys<corev1::Service>()),
      pods_(watch<corev1::Pod>([this](const auto& before, const auto& after) {
        for (const auto& key : services_of(services_, before, after)) queue().add(key);
      })),
      endpoints_(watch<corev1::Endpoints>([this](const auto& before, const auto& after) {
        if (!after) queue().add(api::key_of(*before));  // made again if it is still wanted
      })) {}

async::Task<Status> EndpointsController::reconcile(api::ObjectKey key, async::StopToken stop) {
  const auto service = services_.get(key);
  const auto current = endpoints_.get(key);
  if (!service) {
    if (!current || !current->metadata.labels.contains(kManagedBy)) co_return Status();
    Status status = co_await client().remove<corev1::Endpoints>(key, {}, stop);
    co_return status.is(Reason::kNotFound) ? Status() : std::move(status);
  }
  if (!has_endpoints(*service) || service->metadata.deletion_timestamp) co_return Status();
  const auto pods = pods_of(pods_, *service);
  corev1::Endpoints next;
  if (current) next = *current;
  next.metadata.name = key.name;
  next.metadata.namespace_ = key.namespace_;
  next.metadata.labels = service->metadata.labels;
  next.metadata.labels.erase(kHeadlessLabel);
  if (is_headless(*service)) next.metadata.labels[kHeadlessLabel] = "";
  next.metadata.labels[kManagedBy] = kManager;
  next.subsets = subsets_for(*service, pods);
  if (pods.size() > kMaxEndpointsAddresses) {
    next.metadata.annotations[kOverCapacity] = "truncated";
  } else {
    next.metadata.annotations.erase(kOverCapacity);
  }
  if (current && api::equal(*current, next)) co_return Status();
  next.metadata.annotations[kLastChangeTriggerTime] = last_change(*service, pods).to_string();
  co_return co_await write(*service, std::move(next), current != nullptr, stop);
}

async::Task<Status> EndpointsController::write(corev1::Service service, corev1::Endpoints endpoints,
                                               bool exists, async::StopToken stop) {
  Result<corev1::Endpoints> written;
  if (exists) {
    written = co_await client().update<corev1::Endpoints>(std::move(endpoints), stop);
  } else {
    written = co_await client().create<corev1::Endpoints>(std::move(endpoints), stop);
  }
  if (written) co_return Status();
  Status error = std::move(written).error();
  if (!exists && error.is(Reason::kForbidden)) {
    for (const auto& cause : error.details().causes) {
      if (cause.type == "NamespaceTerminating") co_return Status();
    }
  }
  if (error.is(Reason::kAlreadyExists) || error.is(Reason::kConflict)) co_return error;
  events().event(client::reference_to(corev1::Service::desc(), service.metadata), "Warning",
                 exists ? "FailedToUpdateEndpoint" : "FailedToCreateEndpoint",
                 cat("Failed to ", exists ? "update" : "create", " endpoint ", api::key_of(service),
                     ": ", error.message()));
  co_return error;
}

}  // namespace kpp::controllers
