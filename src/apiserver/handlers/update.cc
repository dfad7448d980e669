#include "api/defaults/defaults.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/resource_quota.h"
#include "apiserver/allocators.h"
#include "apiserver/audit/request_object.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/write.h"
#include "apiserver/managed_fields.h"
#include "apiserver/patching.h"
#include "apiserver/registry/strategy.h"
#include "apiserver/service_claims.h"
#include "validation/validate.h"

namespace kpp::apiserver {
namespace {

constexpr int kTries = 6;

bool is_deleting(const metav1::ObjectMeta& meta) { return meta.deletion_timestamp.has_value(); }

// True if the last finalizer has gone from an object that is being deleted and no grace is left to
// wait for. A namespace has finalizers in its spec too: they stand for its content.
bool ready_to_go(const api::Object& object) {
  const auto& meta = *api::metadata(object.desc(), object.data());
  if (const auto* ns = object.as<corev1::Namespace>();
      ns != nullptr && !ns->spec.finalizers.empty())
    return false;
  return is_deleting(meta) && meta.finalizers.empty() &&
         meta.deletion_grace_period_seconds.value_or(0) == 0;
}

// What nobody may change through an update.
void keep_system_fields(metav1::ObjectMeta& meta, const metav1::ObjectMeta& old) {
  meta.generation = old.generation;
  meta.self_link.clear();
  if (meta.uid.empty()) meta.uid = old.uid;
  if (meta.creation_timestamp.is_zero()) meta.creation_timestamp = old.creation_timestamp;
  meta.deletion_timestamp = old.deletion_timestamp;
  meta.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
  if (meta.namespace_.empty()) meta.namespace_ = old.namespace_;
  if (meta.generate_name.empty()) meta.generate_name = old.generate_name;
}

void prepare(const Call& call, const ModifyOptions& options, api::Object& object,
             const api::Object& old) {
  const Strategy& strategy = *call.resource->strategy;
  const StrategyContext context{call.core.executor.wall(), call.user, options.subresource};
  const auto prepare_step =
      options.subresource == "status" ? strategy.prepare_status_update : strategy.prepare_update;
  if (prepare_step != nullptr) prepare_step(object, old, context);
}

Status check_preconditions(const Call& call, const api::Object& object,
                           const CachedObject& current) {
  const auto& meta = *api::metadata(object.desc(), object.data());
  const ServedResource& resource = *call.resource;
  const bool names_version = !meta.resource_version.empty() && meta.resource_version != "0";
  if (!names_version && !resource.strategy->unconditional_update) {
    StatusDetails details;
    details.name = current.name;
    details.group = resource.group;
    details.kind = resource.name();
    const std::string message = "Invalid value: 0: must be specified for an update";
    details.causes.push_back({"FieldValueInvalid", message, "metadata.resourceVersion"});
    const std::string who = qualified(resource.name(), resource.group);
    return Status(
        Reason::kInvalid,
        cat(who, " ", quoted(current.name), " is invalid: metadata.resourceVersion: ", message),
        std::move(details));
  }
  if (names_version && meta.resource_version != cat(current.revision)) {
    for (const char c : meta.resource_version) {
      if (c < '0' || c > '9') {
        return bad_request(cat("invalid resource version: resourceVersion: Invalid value: ",
                               quoted(meta.resource_version), ": strconv.ParseUint: parsing ",
                               quoted(meta.resource_version), ": invalid syntax"));
      }
    }
    return modified_conflict(resource.group, resource.name(), current.name);
  }
  return {};
}

}  // namespace

async::Task<Result<Written>> modify_object(Call& call, Change change, ModifyOptions options) {
  const ServedResource& resource = *call.resource;
  for (int attempt = 1;; ++attempt) {
    const Status fresh = co_await freshen(call);
    if (!fresh.ok()) co_return fail(fresh);
    const CachedRef current = cached(call);
    if (!current) co_return fail(not_found(resource.group, resource.name(), call.info.name));
    const api::Object old = decode_cached(resource, *current);
    KPP_CO_ASSIGN(api::Object object, change(old));
    auto& meta = *api::metadata(object);
    const auto& old_meta = *api::metadata(old.desc(), old.data());
    KPP_CO_RETURN_IF_ERROR(check_preconditions(call, object, *current));
    if (!meta.namespace_.empty() && meta.namespace_ != old_meta.namespace_) {
      co_return fail(bad_request(
          "the namespace of the provided object does not match the namespace sent on the request"));
    }
    if (options.uid_is_precondition && !meta.uid.empty() && meta.uid != old_meta.uid) {
      co_return fail(conflict(resource.group, resource.name(), current->name,
                              cat("Precondition failed: UID in precondition: ", meta.uid,
                                  ", UID in object meta: ", old_meta.uid)));
    }
    keep_system_fields(meta, old_meta);
    if (options.track_fields) KPP_CO_RETURN_IF_ERROR(track_managed_fields(call, &old, object));

    AdmissionRequest request;
    request.operation = Operation::kUpdate;
    request.resource = &resource;
    request.subresource = options.subresource;
    request.namespace_ = old_meta.namespace_;
    request.name = old_meta.name;
    request.user = &call.user;
    request.old_object = &old;
    request.dry_run = call.dry_run();
    request.now = call.core.executor.wall();
    request.warnings = &call.warnings;
    request.audit = call.audit;
    KPP_CO_RETURN_IF_ERROR(call.core.admission.mutate(object, request));
    keep_managed_times(old, object);
    prepare(call, options, object, old);
    if (options.validate) {
      // Validation compares versions: an update without one is as if it named the present one.
      meta.resource_version = cat(current->revision);
      const validation::Context context{request.now, options.subresource == "status",
                                        options.subresource};
      const auto errors = validation::has_rules(object.desc())
                              ? validation::validate_update(object, old, context)
                              : validation::validate_update(to_storage(resource, object),
                                                            to_storage(resource, old), context);
      if (!errors.empty()) {
        co_return fail(
            validation::to_status(resource.kind(), resource.group, old_meta.name, errors));
      }
      if (attempt == 1 && options.subresource.empty()) {
        for (auto& warning : validation::warnings(object, &old))
          call.warnings.push_back(std::move(warning));
      }
    }
    KPP_CO_RETURN_IF_ERROR(call.core.admission.validate(object, request));
    KPP_CO_RETURN_IF_ERROR(co_await charge_quotas(call, object, request));
    auto* service = object.as<corev1::Service>();
    const auto* old_service = old.as<corev1::Service>();
    const bool claims = service != nullptr && options.subresource.empty() &&
                        call.core.claims != nullptr && !call.dry_run();
    ServiceClaims::Held claimed;
    if (service != nullptr && options.subresource.empty()) {
      KPP_CO_RETURN_IF_ERROR(call.core.allocators.allocate(*service, old_service));
      if (claims) {
        auto taken = co_await call.core.claims->claim(*service, old_service, call.stop);
        if (!taken) {
          call.core.allocators.forget(*service, old_service);
          // Another server was quicker: the next try chooses anew, by what is known then.
          if (taken.error().is(Reason::kAlreadyExists) && attempt < kTries) continue;
          co_return fail(std::move(taken).error());
        }
        claimed = *std::move(taken);
      }
    }
    if (ready_to_go(object)) {
      auto removed = co_await store_removed(call, resource, current);
      if (removed) {
        Written out;
        meta.resource_version.clear();
        std::string text;
        const api::Object stored = to_storage(resource, object);
        api::to_json(text, *resource.storage->type, stored.data());
        out.object = WatchCache::make_object(*resource.storage, text, current->revision);
        co_return out;
      }
      if (!removed.error().is(Reason::kConflict) || attempt >= kTries)
        co_return fail(std::move(removed).error());
      continue;
    }
    // A service is looked at again below.
    auto written = co_await store_changed(call, resource,
                                          service == nullptr ? std::move(object) : object, current);
    if (written && service != nullptr && call.dry_run())
      call.core.allocators.forget(*service, old_service);
    if (written && claims) {
      co_await call.core.claims->release(*service, ServiceClaims::held(*old_service, service), {});
    }
    if (written) co_return written;
    if (service != nullptr) call.core.allocators.forget(*service, old_service);
    if (claims && (written.error().is(Reason::kConflict) || written.error().is(Reason::kNotFound)))
      co_await call.core.claims->release(*service, std::move(claimed), {});
    // A version that the client named fails at the next try, where it is compared with the new one.
    if (!written.error().is(Reason::kConflict) || !options.retry || attempt >= kTries)
      co_return written;
  }
}

async::Task<net::Response> handle_update(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (Status s = check_write_options(call, "UpdateOptions"); !s.ok())
    co_return respond_status(s, &call);
  auto body = decode_object(call, *call.resource->type);
  if (!body) co_return respond_status(body.error(), &call);
  auto& meta = *api::metadata(*body);
  if (meta.name != call.info.name) {
    co_return respond_status(
        bad_request(
            meta.name.empty()
                ? std::string("name of the object (\"\") does not match the name on the URL (") +
                      call.info.name + ")"
                : cat("the name of the object (", meta.name,
                      ") does not match the name on the URL (", call.info.name, ")")),
        &call);
  }
  if (call.resource->desc->namespaced) {
    if (!meta.namespace_.empty() && meta.namespace_ != call.info.namespace_) {
      co_return respond_status(bad_request(cat("the namespace of the object (", meta.namespace_,
                                               ") does not match the namespace on the URL (",
                                               call.info.namespace_, ")")),
                               &call);
    }
    meta.namespace_ = call.info.namespace_;
  }
  api::apply_defaults(*body, call.empty_lists);
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh, &call);
  if (!cached(call) && call.info.subresource.empty() && call.resource->strategy->create_on_update &&
      meta.resource_version.empty() && meta.uid.empty()) {
    auto created = co_await create_object(call, std::move(*body));
    if (!created) co_return respond_status(created.error(), &call);
    co_return respond_object(call, 201, *created->object);
  }
  ModifyOptions options;
  options.subresource = call.info.subresource;
  options.uid_is_precondition = true;
  const api::Object wanted = std::move(*body);
  auto written = co_await modify_object(
      call, [wanted](const api::Object&) -> Result<api::Object> { return wanted; }, options);
  if (!written) co_return respond_status(written.error(), &call);
  co_return respond_object(call, 200, *written->object);
}

async::Task<net::Response> handle_patch(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (Status s = check_write_options(call, "PatchOptions"); !s.ok())
    co_return respond_status(s, &call);
  auto patch = parse_patch(call);
  const bool applies =
      call.request.headers.get("Content-Type").starts_with("application/apply-patch+");
  if (!patch && (applies || patch.error().is(Reason::kUnsupportedMediaType))) {
    co_return respond_status(patch.error(), &call);
  }
  if (patch) note_request_body(call);
  if (patch && patch->kind == PatchKind::kApply) {
    net::Response answer = co_await handle_apply(call, *patch);
    co_return answer;
  }
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh, &call);
  if (!cached(call)) {
    co_return respond_status(not_found(call.resource->group, call.resource->name(), call.info.name),
                             &call);
  }
  if (!patch) co_return respond_status(patch.error(), &call);
  ModifyOptions options;
  options.subresource = call.info.subresource;
  Call* const call_pointer = &call;
  const Patch* const patch_pointer = &*patch;
  const auto warnings_before = call.warnings.size();
  auto change = [call_pointer, patch_pointer,
                 warnings_before](const api::Object& current) -> Result<api::Object> {
    call_pointer->warnings.resize(warnings_before);
    call_pointer->empty_lists.clear();
    const json::Value document = api::to_document(current.desc(), current.data());
    KPP_ASSIGN(const json::Value patched, apply_patch(*patch_pointer, current.desc(), document));
    auto decoded =
        decode_patched(*call_pointer, current.desc(), patched, patch_pointer->duplicates);
    if (!decoded && decoded.error().is(Reason::kInvalid)) {
      return fail(invalid_patch_result(*patch_pointer, patched, decoded.error().message()));
    }
    if (!decoded) return decoded;
    api::Object object = std::move(*decoded);
    const auto& meta = *api::metadata(object);
    if (meta.name != call_pointer->info.name) {
      return fail(
          bad_request(cat("the name of the object (", meta.name,
                          ") does not match the name on the URL (", call_pointer->info.name, ")")));
    }
    api::apply_defaults(object, call_pointer->empty_lists);
    return object;
  };
  auto written = co_await modify_object(call, std::move(change), options);
  if (!written) co_return respond_status(written.error(), &call);
  co_return respond_object(call, 200, *written->object);
}

}  // namespace kpp::apiserver
