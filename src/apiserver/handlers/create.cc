#include "api/defaults/defaults.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/resource_quota.h"
#include "apiserver/allocators.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/write.h"
#include "apiserver/managed_fields.h"
#include "apiserver/registry/strategy.h"
#include "apiserver/service_claims.h"
#include "base/ids.h"
#include "validation/core/service_addresses.h"
#include "validation/validate.h"

namespace kpp::apiserver {
namespace {

constexpr int kMaxGeneratedPrefix = 58;  // 63 less the five characters of the suffix
constexpr int kGenerateTries = 8;
constexpr int kClaimTries = 8;

// Namespace and name of the object against those of the URL.
Status match_scope(const Call& call, metav1::ObjectMeta& meta) {
  if (!call.resource->desc->namespaced) {
    if (!meta.namespace_.empty()) {
      return bad_request("namespace is not allowed on this type");
    }
    return {};
  }
  if (meta.namespace_.empty()) meta.namespace_ = call.info.namespace_;
  if (meta.namespace_ != call.info.namespace_) {
    return bad_request(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  return {};
}

// What only the server sets.
void clear_system_fields(metav1::ObjectMeta& meta) {
  meta.deletion_timestamp.reset();
  meta.deletion_grace_period_seconds.reset();
  meta.self_link.clear();
}

Status prepare_metadata(Call& call, api::Object& object) {
  const WallTime now = call.core.executor.wall();
  auto* meta = api::metadata(object);
  meta->uid = new_uuid();
  meta->creation_timestamp = api::Time::from(now);
  if (meta->name.empty() && !meta->generate_name.empty()) {
    meta->name = cat(meta->generate_name.substr(0, kMaxGeneratedPrefix), random_suffix(5));
  }
  if (!meta->resource_version.empty()) {
    return Status(Reason::kUnknown, "resourceVersion should not be set on objects to be created");
  }
  return {};
}

// Claims what the service was given. What another server was quicker with is chosen anew, or
// refused where the client named it.
async::Task<Result<ServiceClaims::Held>> claim_service(Call& call, corev1::Service& service,
                                                       ServiceAllocation& allocation,
                                                       const corev1::ServiceSpec& asked) {
  for (int attempt = 1;; ++attempt) {
    auto claimed = co_await call.core.claims->claim(service, nullptr, call.stop);
    if (claimed || !claimed.error().is(Reason::kAlreadyExists)) co_return claimed;
    if (attempt >= kClaimTries) {
      const Status& why = claimed.error();
      co_return fail(call.core.allocators.refusal(service, asked, why.details().name));
    }
    allocation.give_back();
    service.spec = asked;
    KPP_CO_RETURN_IF_ERROR(co_await freshen(call));
    KPP_CO_RETURN_IF_ERROR(allocation.make());
  }
}

}  // namespace

async::Task<Result<Written>> create_object(Call& call, api::Object object, FieldTracking tracking) {
  const ServedResource& resource = *call.resource;
  const bool generated =
      api::metadata(object)->name.empty() && !api::metadata(object)->generate_name.empty();
  api::apply_defaults(object, call.empty_lists);
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return fail(fresh);
  // Only what the client sent (and defaulting) is the manager's; what the server adds below is
  // nobody's.
  KPP_CO_RETURN_IF_ERROR(match_scope(call, *api::metadata(object)));
  clear_system_fields(*api::metadata(object));
  if (tracking == FieldTracking::kWanted)
    KPP_CO_RETURN_IF_ERROR(track_managed_fields(call, nullptr, object));
  KPP_CO_RETURN_IF_ERROR(prepare_metadata(call, object));
  AdmissionRequest request;
  request.resource = &resource;
  request.subresource = call.info.subresource;
  request.namespace_ = call.info.namespace_;
  request.name = api::metadata(object)->name;
  request.user = &call.user;
  request.dry_run = call.dry_run();
  request.now = call.core.executor.wall();
  request.warnings = &call.warnings;
  request.audit = call.audit;
  KPP_CO_RETURN_IF_ERROR(call.core.admission.mutate(object, request));
  if (resource.strategy->prepare_create != nullptr) {
    resource.strategy->prepare_create(object, {request.now, call.user, {}});
  }
  auto* service = object.as<corev1::Service>();
  ServiceAllocation allocation(call.core.allocators, service);
  corev1::ServiceSpec asked;
  if (service != nullptr) {
    asked = service->spec;
    const auto faults = validation::service_address_errors(*service);
    if (!faults.empty()) {
      co_return fail(
          validation::to_status(resource.kind(), resource.group, service->metadata.name, faults));
    }
    KPP_CO_RETURN_IF_ERROR(allocation.make());
  }
  const validation::Context context{request.now, false, ""};
  const auto errors = validation::has_rules(object.desc())
                          ? validation::validate_create(object, context)
                          : validation::validate_create(to_storage(resource, object), context);
  if (!errors.empty()) {
    co_return fail(validation::to_status(resource.kind(), resource.group,
                                         api::metadata(object)->name, errors));
  }
  for (auto& warning : validation::warnings(object, nullptr))
    call.warnings.push_back(std::move(warning));
  KPP_CO_RETURN_IF_ERROR(call.core.admission.validate(object, request));
  KPP_CO_RETURN_IF_ERROR(co_await charge_quotas(call, object, request));
  const bool claims = service != nullptr && call.core.claims != nullptr && !call.dry_run();
  for (int attempt = 1;; ++attempt) {
    ServiceClaims::Held claimed;
    if (claims) {
      KPP_CO_ASSIGN(claimed, co_await claim_service(call, *service, allocation, asked));
    }
    auto written = co_await store_new(call, resource, object);
    if (written) {
      if (!call.dry_run()) allocation.keep();
      co_return written;
    }
    // After any other error the service may be there all the same.
    if (claims && written.error().is(Reason::kAlreadyExists))
      co_await call.core.claims->release(*service, std::move(claimed), {});
    if (generated && attempt < kGenerateTries && written.error().is(Reason::kAlreadyExists)) {
      allocation.give_back();
      auto* meta = api::metadata(object);
      meta->name = cat(meta->generate_name.substr(0, kMaxGeneratedPrefix), random_suffix(5));
      if (service != nullptr) {
        service->spec = asked;
        KPP_CO_RETURN_IF_ERROR(allocation.make());
      }
      continue;
    }
    if (written.error().is(Reason::kAlreadyExists)) {
      const auto& meta = *api::metadata(object);
      const CachedRef existing =
          call.core.cache.cache(resource).find(resource.store_key(meta.namespace_, meta.name));
      if (existing && existing->json->find("\"deletionTimestamp\":") != std::string::npos) {
        co_return fail(std::move(written).error().with_context("object is being deleted"));
      }
    }
    co_return written;
  }
}

async::Task<net::Response> handle_create(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (Status s = check_write_options(call, "CreateOptions"); !s.ok())
    co_return respond_status(s, &call);
  auto object = decode_object(call, *call.resource->type);
  if (!object) co_return respond_status(object.error(), &call);
  auto written = co_await create_object(call, std::move(*object));
  if (!written) co_return respond_status(written.error(), &call);
  co_return respond_object(call, 201, *written->object);
}

}  // namespace kpp::apiserver
