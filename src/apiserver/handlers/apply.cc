// Server-side apply: PATCH with an applier's document.
#include "api/defaults/defaults.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/write.h"
#include "apiserver/managed_fields.h"
#include "apiserver/patching.h"

namespace kpp::apiserver {
namespace {

constexpr int kTries = 3;

// Who applies what does not exist creates it.
Status may_create(const Call& call) {
  const AccessRequest access{"create",
                             call.info.namespace_,
                             call.info.group,
                             call.info.version,
                             call.info.resource,
                             "",
                             call.info.name,
                             "",
                             true};
  if (call.core.authorizer.authorize(call.user, access).allowed()) return {};
  return forbidden(call.info.group, call.info.resource, call.info.name,
                   forbidden_message(call.user, access));
}

Status check_place(const Call& call, const metav1::ObjectMeta& meta) {
  if (meta.name.empty()) {
    return bad_request(cat("the name of the object (", call.info.name,
                           " based on URL) was undeterminable: name must be provided"));
  }
  if (meta.name != call.info.name) {
    return bad_request(cat("the name of the object (", meta.name,
                           ") does not match the name on the URL (", call.info.name, ")"));
  }
  if (!call.info.namespace_.empty() && !meta.namespace_.empty() &&
      meta.namespace_ != call.info.namespace_) {
    return bad_request(cat("the namespace of the object (", meta.namespace_,
                           ") does not match the namespace on the request (", call.info.namespace_,
                           ")"));
  }
  return {};
}

Result<api::Object> applied(Call& call, const Patch& patch, const api::Object& current) {
  KPP_ASSIGN(api::Object object, apply_to_object(call, patch.document, current));
  KPP_RETURN_IF_ERROR(check_repeated(call, patch));
  KPP_RETURN_IF_ERROR(check_place(call, *api::metadata(object)));
  return object;
}

// What a document makes of nothing.
Result<api::Object> applied_to_nothing(Call& call, const Patch& patch) {
  KPP_ASSIGN(api::Object object, applied(call, patch, api::Object(*call.resource->type)));
  auto& meta = *api::metadata(object);
  if (!meta.uid.empty()) {
    return fail(conflict(call.resource->group, call.resource->name(), call.info.name,
                         cat("uid mismatch: the provided object specified uid ", meta.uid,
                             ", and no existing object was found")));
  }
  if (!call.info.subresource.empty()) {
    return fail(not_found(call.resource->group, call.resource->name(), call.info.name));
  }
  KPP_RETURN_IF_ERROR(may_create(call));
  meta.resource_version.clear();
  return object;
}

}  // namespace

async::Task<net::Response> handle_apply(Call& call, const Patch& patch) {
  const auto warnings_before = call.warnings.size();
  for (int attempt = 1;; ++attempt) {
    const Status fresh = co_await freshen(call);
    if (!fresh.ok()) co_return respond_status(fresh, &call);
    call.warnings.resize(warnings_before);
    if (!cached(call)) {
      auto object = applied_to_nothing(call, patch);
      if (!object) co_return respond_status(object.error(), &call);
      auto created = co_await create_object(call, std::move(*object), FieldTracking::kDone);
      if (created) co_return respond_object(call, 201, *created->object);
      if (created.error().is(Reason::kAlreadyExists) && attempt < kTries) continue;
      co_return respond_status(created.error(), &call);
    }
    ModifyOptions options;
    options.subresource = call.info.subresource;
    options.track_fields = false;
    Call* const call_pointer = &call;
    const Patch* const patch_pointer = &patch;
    auto change = [call_pointer, patch_pointer,
                   warnings_before](const api::Object& current) -> Result<api::Object> {
      call_pointer->warnings.resize(warnings_before);
      return applied(*call_pointer, *patch_pointer, current);
    };
    auto written = co_await modify_object(call, std::move(change), options);
    if (written) co_return respond_object(call, 200, *written->object);
    if (written.error().is(Reason::kNotFound) && attempt < kTries && !cached(call)) continue;
    co_return respond_status(written.error(), &call);
  }
}

}  // namespace kpp::apiserver
