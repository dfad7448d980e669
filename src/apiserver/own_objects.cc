#include "apiserver/own_objects.h"

#include "api/defaults/defaults.h"
#include "api/json_codec.h"
#include "api/meta.h"
#include "apiserver/auth/rbac_reconcile.h"
#include "base/ids.h"

namespace kpp::apiserver {
namespace {

constexpr int kTries = 5;
constexpr std::chrono::seconds kCacheTimeout{5};

void stamp(metav1::ObjectMeta& meta, WallTime now) {
  meta.uid = new_uuid();
  meta.creation_timestamp = api::Time::from(now);
}

}  // namespace

Result<std::optional<store::Write>> write_of(Core& core, api::Object object, IfThere there) {
  const auto& gvk = object.desc().gvks.front();
  const ServedResource* served = core.table.find_kind(gvk.group, gvk.version, gvk.kind);
  if (served == nullptr) return fail(Reason::kInternalError, cat(gvk.kind, " is not served"));
  api::apply_defaults(object);
  auto* meta = api::metadata(object);
  store::Write write;
  write.key = served->store_key(meta->namespace_, meta->name);
  write.expected_revision = 0;
  if (const CachedRef existing = core.cache.cache(*served).find(write.key)) {
    const bool rights = gvk.group == "rbac.authorization.k8s.io";
    if (there == IfThere::kLeave || (there == IfThere::kAddRights && !rights)) return std::nullopt;
    api::Object old(*served->type);
    KPP_RETURN_IF_ERROR(api::from_json_text(*existing->json, *served->type, old.data()));
    api::metadata(old)->resource_version.clear();
    if (there == IfThere::kAddRights) {
      if (!reconcile_rights(object, old)) return std::nullopt;
      if (meta->uid.empty()) stamp(*meta, core.executor.wall());
    } else {
      // Its identity stays.
      *meta = *api::metadata(old);
      if (api::equal(object.desc(), object.data(), old.data())) return std::nullopt;
    }
    write.expected_revision = existing->revision;
  } else {
    stamp(*meta, core.executor.wall());
  }
  std::string text;
  api::to_json(text, *served->type, object.data());
  write.value = std::make_shared<const std::string>(std::move(text));
  return write;
}

async::Task<Status> keep_object(Core& core, api::Object object, IfThere there,
                                async::StopToken stop) {
  for (int attempt = 1;; ++attempt) {
    // What the cache does not show yet may be what is to be replaced.
    const auto newest = co_await core.store.newest(stop);
    if (!newest) co_return newest.error();
    const bool seen = co_await core.cache.wait_for(*newest, kCacheTimeout, stop);
    if (!seen) co_return Status(Reason::kTimeout, "the cache does not show what is stored");
    KPP_CO_ASSIGN(auto write, write_of(core, object, there));
    if (!write) co_return Status();
    const auto revision = co_await core.store.write(std::move(*write), stop);
    if (revision) co_return Status();
    const Status& why = revision.error();
    if (!why.is(Reason::kAlreadyExists) && !why.is(Reason::kConflict)) co_return why;
    // Somebody else was quicker.
    if (attempt >= kTries) co_return Status();
  }
}

}  // namespace kpp::apiserver
