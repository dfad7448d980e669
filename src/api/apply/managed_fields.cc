#include "api/apply/managed_fields.h"

#include <algorithm>

#include "api/apply/compare.h"
#include "api/json_codec.h"
#include "api/meta.h"

namespace kpp::api {
namespace {

using Entry = metav1::ManagedFieldsEntry;

// [] or [{}]: the client asks to track nothing any more.
bool asks_reset(const std::vector<Entry>& entries, std::span<const std::string> empty_lists) {
  if (entries.empty()) {
    return std::find(empty_lists.begin(), empty_lists.end(), "metadata.managedFields") !=
           empty_lists.end();
  }
  return entries.size() == 1 && equal(entries.front(), Entry());
}

Managers sent_or_stored(const metav1::ObjectMeta& now, const metav1::ObjectMeta* old,
                        const UpdateContext& context) {
  if (context.subresource.empty() || old == nullptr) {
    if (asks_reset(now.managed_fields, context.empty_lists)) return {};
    auto sent = decode_managers(now.managed_fields);
    if (sent && !sent->empty()) return std::move(*sent);
  }
  if (old == nullptr) return {};
  auto stored = decode_managers(old->managed_fields);
  return stored ? std::move(*stored) : Managers();
}

// What changed between two objects, in the versions that managers wrote.
class Changes {
 public:
  Changes(const TypeDesc& desc, const void* old, const void* now, const UpdateContext& context)
      : old_(old),
        now_(now),
        context_(context),
        own_(compare_fields(desc, old, now, context.empty_lists)) {
    context.resets.drop(own_.changed);
    context.resets.drop(own_.removed);
  }
  const Comparison& own() const { return own_; }
  // nullptr: the kind is not served in that version.
  const Comparison* in(const std::string& api_version) {
    if (api_version == context_.api_version) return &own_;
    const auto found = others_.find(api_version);
    if (found != others_.end()) return found->second ? &*found->second : nullptr;
    auto& made = others_[api_version];
    if (!context_.convert) return nullptr;
    const auto old = context_.convert(old_, api_version);
    const auto now = context_.convert(now_, api_version);
    if (old && now) {
      made = compare_fields(now->desc(), old->data(), now->data());
      context_.resets.drop(made->changed);
      context_.resets.drop(made->removed);
    }
    return made ? &*made : nullptr;
  }

 private:
  const void* old_;
  const void* now_;
  const UpdateContext& context_;
  Comparison own_;
  std::map<std::string, std::optional<Comparison>> others_;
};

}  // namespace

void record_update(const TypeDesc& desc, const void* old, const void* now, Managers& managers,
                   const UpdateContext& context) {
  const Object empty = old == nullptr ? Object(desc) : Object();
  Changes changes(desc, old == nullptr ? empty.data() : old, now, context);
  std::erase_if(managers, [&](Manager& manager) {
    const Comparison* seen = changes.in(manager.api_version);
    if (seen == nullptr) return true;
    if (manager.api_version == context.api_version) manager.fields.fit(merge_type(desc));
    manager.fields.remove(seen->changed);
    manager.fields.remove(seen->removed);
    return manager.fields.empty();
  });
  FieldSet taken = changes.own().changed;
  drop_identity(taken);
  if (!taken.empty()) {
    Manager writer{context.manager.empty() ? "unknown" : context.manager,
                   false,
                   context.api_version,
                   context.subresource,
                   std::nullopt,
                   {}};
    auto own = std::find_if(managers.begin(), managers.end(),
                            [&](const Manager& m) { return m.same_as(writer); });
    if (own == managers.end()) own = managers.insert(managers.end(), std::move(writer));
    if (own->fields.empty()) {
      own->fields = std::move(taken);
    } else {
      own->fields.add(taken);
    }
    own->time.reset();
    if (!context.time.is_zero()) own->time = context.time;
  }
  cap_updaters(managers);
}

void track_update(const TypeDesc& desc, const void* old, void* now, const UpdateContext& context) {
  auto* meta = const_cast<metav1::ObjectMeta*>(metadata(desc, now));
  if (meta == nullptr) return;
  const metav1::ObjectMeta* old_meta = old == nullptr ? nullptr : metadata(desc, old);
  Managers managers = sent_or_stored(*meta, old_meta, context);
  meta->managed_fields.clear();
  if (old != nullptr && managers.empty()) return;  // what nobody tracks stays so
  record_update(desc, old, now, managers, context);
  meta->managed_fields = encode_managers(std::move(managers));
}

}  // namespace kpp::api
