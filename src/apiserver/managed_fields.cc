#include "apiserver/managed_fields.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "api/apply/document.h"
#include "api/defaults/defaults.h"
#include "api/json_codec.h"
#include "api/meta.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/registry/strategy.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kBeforeFirstApply = "before-first-apply";
constexpr std::array<std::string_view, 2> kReplicas = {"f:spec", "f:replicas"};

using Path = std::vector<std::string_view>;

Path split(std::string_view dotted) {
  Path out;
  while (true) {
    const auto dot = dotted.find('.');
    out.push_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return out;
    dotted.remove_prefix(dot + 1);
  }
}

// What a write by this road cannot set.
api::ResetFields resets_of(const Call& call) {
  const Strategy& strategy = *call.resource->strategy;
  const std::string_view subresource = call.info.subresource;
  api::ResetFields out;
  if (subresource.empty()) {
    for (const auto field : strategy.untracked) out.reset.push_back(split(field));
    if (call.resource->subresource("status") != nullptr) out.reset.push_back({"status"});
  } else if (subresource == "status") {
    for (const auto field : strategy.status_untracked) out.reset.push_back(split(field));
  } else if (subresource == "approval") {
    out.reset = {{"spec"}, {"status", "certificate"}};
  } else if (subresource == "finalize") {
    out.reset = {{"status"}};
  } else if (subresource == "ephemeralcontainers") {
    out.kept = {{"spec", "ephemeralContainers"}};
  } else if (subresource == "resize") {
    for (const auto list : {"containers", "initContainers"}) {
      for (const auto field : {"resources", "resizePolicy"})
        out.kept.push_back({"spec", list, "*", field});
    }
  }
  return out;
}

const ServedResource* in_version(const Call& call, std::string_view api_version) {
  const auto slash = api_version.find('/');
  const std::string_view group =
      slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
  const std::string_view version =
      slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
  const ServedResource* found = call.core.table.find_kind(group, version, call.resource->kind());
  return found != nullptr && found->storage == call.resource->storage ? found : nullptr;
}

std::string gvk_text(const json::Value& config) {
  std::string_view version = json::text_at(config, "apiVersion");
  std::string_view group;
  if (const auto slash = version.find('/'); slash != std::string_view::npos) {
    group = version.substr(0, slash);
    version.remove_prefix(slash + 1);
    if (version.find('/') != std::string_view::npos) group = version = {};
  }
  return cat(group, "/", version, ", Kind=", json::text_at(config, "kind"));
}

std::string object_text(const json::Value& config) {
  return cat(json::text_at(config, "metadata.namespace"), "/",
             json::text_at(config, "metadata.name"), "; ", gvk_text(config));
}

Status plain_error(std::string message) { return {Reason::kUnknown, std::move(message)}; }

// The document against the kind that it is applied to, as far as the original asks before it
// merges.
Status check_config(const api::TypeDesc& type, const json::Value& config) {
  const auto& gvk = type.gvks.front();
  if (gvk_text(config) != cat(gvk.group, "/", gvk.version, ", Kind=", gvk.kind)) {
    return bad_request(cat("invalid object type: ", gvk_text(config)));
  }
  const json::Value* managed = json::find(config, "metadata.managedFields");
  if (managed != nullptr && managed->is_array())
    return bad_request("metadata.managedFields must be nil");
  if (Status fits = api::check_document(api::merge_type(type), config); !fits.ok()) {
    return plain_error(
        cat("failed to create typed patch object (", object_text(config), "): ", fits.message()));
  }
  return {};
}

bool forced(const Call& call) {
  const auto* force = call.query.find("force");
  return force != nullptr && *force != "0" && *force != "false" && *force != "False" &&
         *force != "FALSE";
}

api::UpdateContext update_context(const Call& call, std::string manager) {
  api::UpdateContext context;
  context.manager = std::move(manager);
  context.api_version = call.resource->api_version();
  context.subresource = call.info.subresource;
  context.time = api::Time::from(call.core.executor.wall());
  context.resets = resets_of(call);
  context.empty_lists = call.empty_lists;
  context.convert = [&call](const void* object,
                            std::string_view api_version) -> std::optional<api::Object> {
    const ServedResource* other = in_version(call, api_version);
    if (other == nullptr) return std::nullopt;
    api::Object copy(*call.resource->type);
    call.resource->type->ops->assign(copy.data(), object);
    return to_served(*other, to_storage(*call.resource, std::move(copy)));
  };
  return context;
}

api::UpdateContext scale_context(const Call& call, std::string manager) {
  api::UpdateContext context;
  context.manager = std::move(manager);
  context.api_version = "autoscaling/v1";
  context.subresource = "scale";
  context.time = api::Time::from(call.core.executor.wall());
  return context;
}

json::Value without_managers(const api::Object& object) {
  json::Value out = api::to_document(object.desc(), object.data());
  if (auto* meta = out.as_object().if_contains("metadata"); meta != nullptr && meta->is_object()) {
    meta->get_object().erase("managedFields");
  }
  return out;
}

Result<api::Object> decoded(const api::TypeDesc& type, const json::Value& document,
                            const json::Value& config) {
  api::Object out(type);
  if (Status s = api::from_json(document, type, out.data()); !s.ok()) {
    return fail(plain_error(cat("failed to convert new object (", object_text(config),
                                ") to proper version: ", s.message())));
  }
  take_write_only_fields(out);
  return out;
}

}  // namespace

Status track_managed_fields(const Call& call, const api::Object* old, api::Object& now) {
  api::track_update(now.desc(), old != nullptr ? old->data() : nullptr, now.data(),
                    update_context(call, call.field_manager()));
  return {};
}

Result<api::Object> apply_to_object(const Call& call, const json::Value& config,
                                    const api::Object& current) {
  const api::TypeDesc& type = current.desc();
  KPP_RETURN_IF_ERROR(check_config(type, config));
  const auto& stored = *api::metadata(type, current.data());
  auto managers = api::decode_managers(stored.managed_fields);
  if (!managers)
    return fail(plain_error(cat("failed to decode managed fields: ", managers.error().message())));
  api::UpdateContext update = update_context(call, std::string(kBeforeFirstApply));
  update.empty_lists = {};
  if (managers->empty()) api::record_update(type, nullptr, current.data(), *managers, update);

  api::ApplyContext context{
      api::merge_type(type), call.field_manager(), update.api_version, update.subresource,
      update.time,           forced(call),         update.resets,      {}};
  context.convert = [&call](const json::Value& document, std::string_view from,
                            std::string_view to) -> std::optional<api::VersionedDocument> {
    const ServedResource* source = in_version(call, from);
    const ServedResource* target = in_version(call, to);
    if (source == nullptr || target == nullptr) return std::nullopt;
    api::Object object(*source->type);
    if (!api::from_json(document, *source->type, object.data()).ok()) return std::nullopt;
    const api::Object other = to_served(*target, to_storage(*source, std::move(object)));
    return api::VersionedDocument{&api::merge_type(*target->type), without_managers(other)};
  };
  KPP_ASSIGN(const auto document,
             api::apply_document(without_managers(current), config, *managers, context));
  api::Object out = current;
  if (document) {
    KPP_ASSIGN(out, decoded(type, *document, config));
    api::apply_defaults(out);
  }
  api::metadata(out)->managed_fields = api::encode_managers(std::move(*managers));
  return out;
}

void keep_managed_times(const api::Object& old, api::Object& now) {
  const auto& before = api::metadata(old.desc(), old.data())->managed_fields;
  auto* meta = api::metadata(now);
  auto& after = meta->managed_fields;
  if (after.empty() || before.size() != after.size()) return;
  bool moved = false;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const auto& a = before[i];
    const auto& b = after[i];
    moved = moved || a.time != b.time;
    if (a.manager != b.manager || a.operation != b.operation || a.api_version != b.api_version ||
        a.subresource != b.subresource || a.fields_v1.has_value() != b.fields_v1.has_value() ||
        (a.fields_v1 && a.fields_v1->json != b.fields_v1->json)) {
      return;
    }
  }
  if (!moved) return;
  auto changed = std::exchange(after, before);
  if (!api::equal(now.desc(), old.data(), now.data())) after = std::move(changed);
}

ScaleManagers ScaleManagers::of(const Call& call, const metav1::ObjectMeta& parent) {
  ScaleManagers out;
  auto managers = api::decode_managers(parent.managed_fields);
  if (managers) out.parent = std::move(*managers);
  std::erase_if(out.parent,
                [&](const api::Manager& m) { return in_version(call, m.api_version) == nullptr; });
  out.scale = api::scale_managers(out.parent, kReplicas);
  return out;
}

void ScaleManagers::give_back(const Call& call, metav1::ObjectMeta& meta) && {
  meta.managed_fields = api::encode_managers(
      api::parent_managers(parent, std::move(scale), call.resource->api_version(), kReplicas));
}

void track_scale(const Call& call, const api::Object& old, const api::Object& now,
                 api::Managers& managers) {
  if (managers.empty()) return;  // what nobody tracks stays so
  api::record_update(now.desc(), old.data(), now.data(), managers,
                     scale_context(call, call.field_manager()));
}

Result<api::Object> apply_to_scale(const Call& call, const json::Value& config,
                                   const api::Object& live, api::Managers& managers) {
  KPP_RETURN_IF_ERROR(check_config(live.desc(), config));
  const api::UpdateContext update = scale_context(call, std::string(kBeforeFirstApply));
  if (managers.empty()) api::record_update(live.desc(), nullptr, live.data(), managers, update);
  const api::ApplyContext context{api::merge_type(live.desc()),
                                  call.field_manager(),
                                  update.api_version,
                                  update.subresource,
                                  update.time,
                                  forced(call),
                                  {},
                                  {}};
  KPP_ASSIGN(const auto document,
             api::apply_document(without_managers(live), config, managers, context));
  return document ? decoded(live.desc(), *document, config) : live;
}

}  // namespace kpp::apiserver
