#include "api/appsv1.h"
#include "api/autoscalingv1.h"
#include "api/corev1.h"
#include "api/selectors.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/write.h"
#include "apiserver/managed_fields.h"
#include "apiserver/patching.h"

namespace kpp::apiserver {
namespace {

using autoscalingv1::Scale;

template <class T>
std::int32_t replicas_of(const T& object) {
  return object.spec.replicas.value_or(0);
}

void fill(const metav1::ObjectMeta& meta, Scale& out) {
  out.metadata.name = meta.name;
  out.metadata.namespace_ = meta.namespace_;
  out.metadata.uid = meta.uid;
  out.metadata.resource_version = meta.resource_version;
  out.metadata.creation_timestamp = meta.creation_timestamp;
}

std::string selector_text(const api::Opt<metav1::LabelSelector>& selector) {
  const auto parsed = api::LabelSelector::from(selector);
  return parsed && selector ? parsed->to_string() : std::string();
}

// The scale of the kinds that have one.
Scale scale_of(const api::Object& object) {
  Scale out;
  fill(*api::metadata(object.desc(), object.data()), out);
  if (const auto* d = object.as<appsv1::Deployment>()) {
    out.spec.replicas = replicas_of(*d);
    out.status.replicas = d->status.replicas;
    out.status.selector = selector_text(d->spec.selector);
  } else if (const auto* r = object.as<appsv1::ReplicaSet>()) {
    out.spec.replicas = replicas_of(*r);
    out.status.replicas = r->status.replicas;
    out.status.selector = selector_text(r->spec.selector);
  } else if (const auto* s = object.as<appsv1::StatefulSet>()) {
    out.spec.replicas = replicas_of(*s);
    out.status.replicas = s->status.replicas;
    out.status.selector = selector_text(s->spec.selector);
  } else if (const auto* c = object.as<corev1::ReplicationController>()) {
    out.spec.replicas = replicas_of(*c);
    out.status.replicas = c->status.replicas;
    std::string selector;
    for (const auto& [key, value] : c->spec.selector)
      selector += cat(selector.empty() ? "" : ",", key, "=", value);
    out.status.selector = selector;
  }
  return out;
}

void set_replicas(api::Object& object, std::int32_t replicas) {
  if (auto* d = object.as<appsv1::Deployment>()) d->spec.replicas = replicas;
  if (auto* r = object.as<appsv1::ReplicaSet>()) r->spec.replicas = replicas;
  if (auto* s = object.as<appsv1::StatefulSet>()) s->spec.replicas = replicas;
  if (auto* c = object.as<corev1::ReplicationController>()) c->spec.replicas = replicas;
}

Status check(const Scale& scale, std::string_view name) {
  if (scale.spec.replicas >= 0) return {};
  StatusDetails details;
  details.name = name;
  details.group = "autoscaling";
  details.kind = "Scale";
  const std::string why =
      cat("Invalid value: ", scale.spec.replicas, ": must be greater than or equal to 0");
  details.causes.push_back({"FieldValueInvalid", why, "spec.replicas"});
  return Status(Reason::kInvalid,
                cat("Scale.autoscaling ", quoted(name), " is invalid: spec.replicas: ", why),
                std::move(details));
}

Status check_name(const Call& call, const Scale& scale) {
  if (scale.metadata.name == call.info.name) return {};
  return bad_request(cat("the name of the object (", scale.metadata.name,
                         ") does not match the name on the URL (", call.info.name, ")"));
}

async::Task<net::Response> change_scale(Call& call) {
  const bool patching = call.info.verb == "patch";
  if (Status s = check_write_options(call, patching ? "PatchOptions" : "UpdateOptions"); !s.ok())
    co_return respond_status(s, &call);
  Result<Patch> patch = fail(Status());
  Result<api::Object> body = fail(Status());
  if (patching) {
    patch = parse_patch(call);
    if (!patch) co_return respond_status(patch.error(), &call);
  } else {
    body = decode_object(call, Scale::desc());
    if (!body) co_return respond_status(body.error(), &call);
  }
  Call* const call_pointer = &call;
  const Patch* const patch_pointer = patch ? &*patch : nullptr;
  const Scale* const asked = body ? body->as<Scale>() : nullptr;
  auto change = [call_pointer, patch_pointer,
                 asked](const api::Object& current) -> Result<api::Object> {
    const api::Object live = api::Object::of(scale_of(current));
    ScaleManagers managers =
        ScaleManagers::of(*call_pointer, *api::metadata(current.desc(), current.data()));
    Scale wanted;
    if (asked != nullptr) {
      wanted = *asked;
    } else if (patch_pointer->kind == PatchKind::kApply) {
      KPP_ASSIGN(const api::Object object,
                 apply_to_scale(*call_pointer, patch_pointer->document, live, managers.scale));
      KPP_RETURN_IF_ERROR(check_repeated(*call_pointer, *patch_pointer));
      wanted = *object.as<Scale>();
    } else {
      Scale managed = *live.as<Scale>();
      managed.metadata.managed_fields = api::encode_managers(managers.scale);
      const json::Value document = api::to_document(managed);
      KPP_ASSIGN(const json::Value patched, apply_patch(*patch_pointer, Scale::desc(), document));
      const auto object =
          decode_patched(*call_pointer, Scale::desc(), patched, patch_pointer->duplicates);
      if (!object && object.error().is(Reason::kInvalid)) {
        return fail(invalid_patch_result(*patch_pointer, patched, object.error().message()));
      }
      if (!object) return fail(object.error());
      wanted = *object->as<Scale>();
    }
    if (patch_pointer == nullptr || patch_pointer->kind != PatchKind::kApply) {
      track_scale(*call_pointer, live, api::Object::of(wanted), managers.scale);
    }
    KPP_RETURN_IF_ERROR(check_name(*call_pointer, wanted));
    KPP_RETURN_IF_ERROR(check(wanted, call_pointer->info.name));
    api::Object out = current;
    set_replicas(out, wanted.spec.replicas);
    auto* meta = api::metadata(out);
    std::move(managers).give_back(*call_pointer, *meta);
    meta->resource_version = asked != nullptr ? wanted.metadata.resource_version : "";
    if (asked != nullptr && !wanted.metadata.uid.empty()) meta->uid = wanted.metadata.uid;
    return out;
  };
  ModifyOptions options;
  options.subresource = "scale";
  options.track_fields = false;
  auto written = co_await modify_object(call, std::move(change), options);
  if (!written) co_return respond_status(written.error(), &call);
  const Scale scale = scale_of(decode_cached(*call.resource, *written->object));
  co_return respond_typed(call, 200, api::Object::of(scale));
}

}  // namespace

async::Task<net::Response> handle_scale(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (call.info.verb != "get") {
    net::Response changed = co_await change_scale(call);
    co_return changed;
  }
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh, &call);
  const CachedRef object = cached(call);
  if (!object) {
    co_return respond_status(not_found(call.resource->group, call.resource->name(), call.info.name),
                             &call);
  }
  co_return respond_typed(call, 200,
                          api::Object::of(scale_of(decode_cached(*call.resource, *object))));
}

}  // namespace kpp::apiserver
