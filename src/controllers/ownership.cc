#include "controllers/ownership.h"

#include "codec/json.h"

namespace kpp::controllers {

Claim claim(const metav1::ObjectMeta& owner, const metav1::LabelSelector& selector,
            const metav1::ObjectMeta& object) {
  const bool selected = selects(selector, object.labels);
  if (const auto* controller = api::controller_of(object)) {
    if (controller->uid != owner.uid) return Claim::kNotMine;
    if (selected) return Claim::kMine;
    return owner.deletion_timestamp ? Claim::kNotMine : Claim::kRelease;
  }
  if (owner.deletion_timestamp || !selected || object.deletion_timestamp) return Claim::kNotMine;
  return Claim::kAdopt;
}

async::Task<Status> adopt(client::Client& client, const api::TypeDesc* owner_type,
                          metav1::ObjectMeta owner, const api::TypeDesc* type,
                          metav1::ObjectMeta object, std::string finalizer, async::StopToken stop) {
  auto fresh = co_await client.get(*owner_type, api::key_of(owner), stop);
  if (!fresh) co_return std::move(fresh).error();
  const auto* meta = api::metadata(*fresh);
  if (meta->uid != owner.uid) {
    co_return Status(Reason::kConflict,
                     cat("original ", owner_type->name, " ", api::key_of(owner),
                         " is gone: got uid ", meta->uid, ", wanted ", owner.uid));
  }
  if (meta->deletion_timestamp) {
    co_return Status(Reason::kConflict, cat(api::key_of(owner), " has just been deleted"));
  }
  const auto reference = api::controller_reference(*owner_type, owner);
  json::Value patch = json::Object{
      {"metadata", json::Object{{"ownerReferences",
                                 json::Array{json::Object{{"apiVersion", reference.api_version},
                                                          {"kind", reference.kind},
                                                          {"name", reference.name},
                                                          {"uid", reference.uid},
                                                          {"controller", true},
                                                          {"blockOwnerDeletion", true}}}},
                                {"uid", object.uid}}}};
  if (!finalizer.empty()) {
    patch.as_object()["metadata"].as_object()["finalizers"] = json::Array{finalizer};
  }
  auto patched = co_await client.patch(
      *type, api::key_of(object), client::PatchType::kStrategicMerge, json::write(patch), {}, stop);
  if (!patched) co_return std::move(patched).error();
  co_return Status();
}

async::Task<Status> release(client::Client& client, std::string owner_uid,
                            const api::TypeDesc* type, metav1::ObjectMeta object,
                            async::StopToken stop) {
  const json::Value patch = json::Object{
      {"metadata", json::Object{{"ownerReferences", json::Array{json::Object{{"$patch", "delete"},
                                                                             {"uid", owner_uid}}}},
                                {"uid", object.uid}}}};
  auto patched = co_await client.patch(
      *type, api::key_of(object), client::PatchType::kStrategicMerge, json::write(patch), {}, stop);
  if (patched) co_return Status();
  // Gone, or another object of the name by now: nothing to release.
  if (patched.error().is(Reason::kNotFound) || patched.error().is(Reason::kInvalid))
    co_return Status();
  co_return std::move(patched).error();
}

}  // namespace kpp::controllers
