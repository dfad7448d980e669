#include "apiserver/managed_fields.h"

#include "api/apply/managed_fields.h"
#include "api/json_codec.h"
#include "api/meta.h"

namespace kpp::apiserver {
namespace {

using Entries = std::vector<metav1::ManagedFieldsEntry>;

// A list of one empty entry is how a client asks to forget who set what.
bool is_reset(const Entries& entries) {
  return entries.size() == 1 && api::equal(entries[0], metav1::ManagedFieldsEntry());
}

// The entries that the change starts from: a client may edit them, but not through a subresource, and not into nonsense.
std::vector<api::ManagedEntry> starting_entries(const Call& call, const Entries* old, const Entries& now) {
  if (call.info.subresource.empty() && is_reset(now)) return {};
  if (call.info.subresource.empty() && !now.empty()) {
    if (auto decoded = api::decode_managed_fields(now)) return std::move(*decoded);
  }
  if (old == nullptr) return {};
  auto decoded = api::decode_managed_fields(*old);
  return decoded ? std::move(*decoded) : std::vector<api::ManagedEntry>();
}

}  // namespace

Status track_managed_fields(const Call& call, const api::Object* old, api::Object& now) {
  auto& meta = *api::metadata(now);
  const auto* old_meta = old != nullptr ? api::metadata(old->desc(), old->data()) : nullptr;
  auto entries = starting_entries(call, old_meta != nullptr ? &old_meta->managed_fields : nullptr, meta.managed_fields);
  const bool reset = call.info.subresource.empty() && is_reset(meta.managed_fields);
  meta.managed_fields.clear();
  // An object that nobody tracks stays so.
  if (old != nullptr && entries.empty()) return {};
  if (reset && old != nullptr) return {};
  const api::Object before = old != nullptr ? *old : api::Object(now.desc());
  api::FieldWriter writer;
  writer.manager = call.field_manager();
  writer.api_version = call.resource->api_version();
  writer.subresource = call.info.subresource;
  writer.now = call.core.executor.wall();
  entries = api::track_update(now.desc(), std::move(entries), api::to_document(before.desc(), before.data()),
                              api::to_document(now.desc(), now.data()), writer);
  meta.managed_fields = api::encode_managed_fields(std::move(entries));
  return {};
}

}  // namespace kpp::apiserver
