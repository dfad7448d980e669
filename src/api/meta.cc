#include "api/meta.h"

#include "api/field_ops.h"

namespace kpp::api {

const metav1::ObjectMeta* metadata(const TypeDesc& desc, const void* object) {
  for (const auto& field : desc.fields) {
    if (field.json_name != "metadata" || field.type != FieldType::kMessage) continue;
    if (field.message() != &metav1::ObjectMeta::desc() || field.cardinality != Cardinality::kValue)
      return nullptr;
    return static_cast<const metav1::ObjectMeta*>(member_of(object, field));
  }
  return nullptr;
}

metav1::ObjectMeta* metadata(Object& object) {
  return const_cast<metav1::ObjectMeta*>(metadata(object.desc(), object.data()));
}

const metav1::OwnerReference* controller_of(const metav1::ObjectMeta& meta) {
  for (const auto& owner : meta.owner_references) {
    if (owner.controller.value_or(false)) return &owner;
  }
  return nullptr;
}

bool is_controlled_by(const metav1::ObjectMeta& meta, std::string_view owner_uid) {
  const auto* owner = controller_of(meta);
  return owner != nullptr && owner->uid == owner_uid;
}

metav1::OwnerReference controller_reference(const TypeDesc& owner_type,
                                            const metav1::ObjectMeta& owner) {
  metav1::OwnerReference out;
  out.api_version = api_version(owner_type);
  out.kind = owner_type.gvks.empty() ? owner_type.name : owner_type.gvks.front().kind;
  out.name = owner.name;
  out.uid = owner.uid;
  out.controller = true;
  out.block_owner_deletion = true;
  return out;
}

std::string api_version(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : cat(group, "/", version);
}

std::string api_version(const TypeDesc& desc) {
  if (desc.gvks.empty()) return {};
  return api_version(desc.gvks.front().group, desc.gvks.front().version);
}

std::string resource_path(const TypeDesc& desc, std::string_view namespace_, std::string_view name,
                          std::string_view subresource) {
  if (desc.gvks.empty() || desc.resource == nullptr) return {};
  const Gvk& gvk = desc.gvks.front();
  std::string out =
      gvk.group.empty() ? cat("/api/", gvk.version) : cat("/apis/", gvk.group, "/", gvk.version);
  if (!namespace_.empty() && desc.resource->namespaced) out += cat("/namespaces/", namespace_);
  out += cat("/", desc.resource->plural);
  if (!name.empty()) out += cat("/", name);
  if (!subresource.empty()) out += cat("/", subresource);
  return out;
}

}  // namespace kpp::api
