#include "api/apply/managed_fields.h"

#include <algorithm>

#include "api/apply/compare.h"
#include "api/json_codec.h"
#include "api/meta.h"

namespace kpp::api {
namespace {

using Entry = metav1::ManagedFieldsEntry;

constexpr std::size_t kMaxUpdateEntries = 10;
constexpr std::string_view kBucket = "ancient-changes";

struct Manager {
  Entry entry;  // without its fields
  FieldSet fields;
};

// Nobody owns what identifies the object or is set by the server.
void strip(FieldSet& set, const UpdateContext& context) {
  for (const auto* path :
       {"apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.creationTimestamp",
        "metadata.selfLink", "metadata.uid", "metadata.generation", "metadata.managedFields",
        "metadata.resourceVersion"}) {
    set.erase_all(path);
  }
  for (const auto path : context.reset_paths) set.erase_all(path);
}

bool same_manager(const Entry& a, const Entry& b) {
  return a.manager == b.manager && a.operation == b.operation && a.api_version == b.api_version &&
         a.subresource == b.subresource;
}

// False if any entry cannot be read.
bool decode(const std::vector<Entry>& entries, std::vector<Manager>& out) {
  out.clear();
  for (const auto& entry : entries) {
    if (entry.operation != "Update" && entry.operation != "Apply") return false;
    if (entry.fields_type != "FieldsV1") return false;
    Manager manager{entry, {}};
    const RawJson* raw = entry.fields_v1 ? &*entry.fields_v1 : nullptr;
    if (raw != nullptr && !raw->empty()) {
      auto set = FieldSet::parse(raw->json);
      if (!set) return false;
      manager.fields = std::move(*set);
    }
    manager.entry.fields_v1.reset();
    const auto same = std::find_if(out.begin(), out.end(),
                                   [&](const Manager& m) { return same_manager(m.entry, entry); });
    if (same != out.end()) {
      same->fields.add(manager.fields);
    } else {
      out.push_back(std::move(manager));
    }
  }
  return true;
}

Time time_of(const Entry& entry) { return entry.time.value_or(Time()); }

// Merges the oldest updaters of a version into one bucket until few enough are left.
void cap(std::vector<Manager>& managers) {
  const auto updates = [&] {
    return static_cast<std::size_t>(
        std::count_if(managers.begin(), managers.end(),
                      [](const Manager& m) { return m.entry.operation == "Update"; }));
  };
  if (updates() <= kMaxUpdateEntries) return;
  std::sort(managers.begin(), managers.end(), [](const Manager& a, const Manager& b) {
    const Time x = time_of(a.entry);
    const Time y = time_of(b.entry);
    return x != y ? x < y : a.entry.manager < b.entry.manager;
  });
  for (std::size_t i = 0; i < managers.size() && updates() > kMaxUpdateEntries; ++i) {
    if (managers[i].entry.operation != "Update") continue;
    for (std::size_t k = i + 1; k < managers.size() && updates() > kMaxUpdateEntries;) {
      Manager& next = managers[k];
      if (next.entry.operation != "Update" ||
          next.entry.api_version != managers[i].entry.api_version) {
        ++k;
        continue;
      }
      managers[i].fields.add(next.fields);
      managers[i].entry.manager = kBucket;
      managers[i].entry.subresource.clear();
      managers[i].entry.time = next.entry.time;
      managers.erase(managers.begin() + static_cast<std::ptrdiff_t>(k));
    }
  }
}

void sort(std::vector<Manager>& managers) {
  std::sort(managers.begin(), managers.end(), [](const Manager& a, const Manager& b) {
    const Entry& p = a.entry;
    const Entry& q = b.entry;
    if (p.operation != q.operation) return p.operation < q.operation;
    if (time_of(p) != time_of(q)) return time_of(p) < time_of(q);
    if (p.manager != q.manager) return p.manager < q.manager;
    if (p.api_version != q.api_version) return p.api_version < q.api_version;
    return p.subresource < q.subresource;
  });
}

}  // namespace

void track_update(const TypeDesc& desc, const void* old, void* now, const UpdateContext& context) {
  auto* meta = const_cast<metav1::ObjectMeta*>(metadata(desc, now));
  if (meta == nullptr) return;
  const metav1::ObjectMeta* old_meta = old == nullptr ? nullptr : metadata(desc, old);
  const std::vector<Entry> none;
  const auto& stored = old_meta == nullptr ? none : old_meta->managed_fields;

  std::vector<Manager> managers;
  const bool by_subresource = !context.subresource.empty() && old != nullptr;
  const bool reset = !by_subresource && meta->managed_fields.size() == 1 &&
                     equal(meta->managed_fields.front(), Entry());
  if (!reset && (by_subresource || !decode(meta->managed_fields, managers) || managers.empty())) {
    if (!decode(stored, managers)) managers.clear();
  }

  if (old != nullptr && managers.empty()) {  // what nobody tracks stays so
    meta->managed_fields.clear();
    return;
  }
  const Object empty = old == nullptr ? Object(desc) : Object();
  Comparison changes = compare_fields(desc, old == nullptr ? empty.data() : old, now);
  strip(changes.changed, context);
  for (auto& manager : managers) {
    manager.fields.remove(changes.changed);
    manager.fields.remove(changes.removed);
  }
  if (!changes.changed.empty()) {
    Entry writer;
    writer.manager = context.manager;
    writer.operation = "Update";
    writer.api_version = context.api_version;
    writer.subresource = context.subresource;
    writer.fields_type = "FieldsV1";
    auto own = std::find_if(managers.begin(), managers.end(),
                            [&](const Manager& m) { return same_manager(m.entry, writer); });
    if (own == managers.end()) own = managers.insert(managers.end(), Manager{writer, {}});
    own->fields.add(changes.changed);
    own->entry.time.reset();
    if (!context.time.is_zero()) own->entry.time = context.time;
  }
  std::erase_if(managers, [](const Manager& m) { return m.fields.empty(); });
  cap(managers);
  sort(managers);

  meta->managed_fields.clear();
  for (auto& manager : managers) {
    manager.entry.fields_v1 = RawJson{manager.fields.to_json()};
    meta->managed_fields.push_back(std::move(manager.entry));
  }
}

}  // namespace kpp::api
