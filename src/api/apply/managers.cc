#include "api/apply/managers.h"

#include <algorithm>
#include <array>
#include <map>

#include "codec/json.h"

namespace kpp::api {
namespace {

constexpr std::size_t kMaxUpdaters = 10;
constexpr std::string_view kBucket = "ancient-changes";
constexpr std::string_view kScaleVersion = "autoscaling/v1";
constexpr std::array<std::string_view, 2> kReplicas = {"f:spec", "f:replicas"};

std::int64_t seconds(const std::optional<Time>& time) { return time ? time->seconds : 0; }

FieldSet one_field(std::span<const std::string_view> path) {
  FieldSet out;
  FieldSet* node = &out;
  for (const auto element : path) node = &node->at(element);
  node->insert();
  return out;
}

bool has(const FieldSet& set, std::span<const std::string_view> path) {
  const FieldSet* node = &set;
  for (const auto element : path) {
    node = node->find(element);
    if (node == nullptr) return false;
  }
  return node->is_member();
}

}  // namespace

bool Manager::same_as(const Manager& other) const {
  return name == other.name && applied == other.applied && subresource == other.subresource &&
         (applied || api_version == other.api_version);
}

Result<Managers> decode_managers(const std::vector<metav1::ManagedFieldsEntry>& entries) {
  const auto refuse = [](std::string text) { return fail(Reason::kBadRequest, std::move(text)); };
  Managers out;
  out.reserve(entries.size() + 1);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    if (entry.operation != "Apply" && entry.operation != "Update")
      return refuse("operation must be `Apply` or `Update`");
    if (entry.api_version.empty()) return refuse("apiVersion must not be empty");
    if (entry.fields_type.empty())
      return refuse(cat("missing fieldsType in managed fields entry ", i));
    if (entry.fields_type != "FieldsV1") {
      return refuse(
          cat("invalid fieldsType ", quoted(entry.fields_type), " in managed fields entry ", i));
    }
    Manager manager{entry.manager,     entry.operation == "Apply",
                    entry.api_version, entry.subresource,
                    entry.time,        {}};
    if (entry.fields_v1 && !entry.fields_v1->empty()) {
      KPP_ASSIGN(manager.fields, FieldSet::parse(entry.fields_v1->json));
    }
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const Manager& m) { return m.same_as(manager); });
    if (same != out.end()) {
      *same = std::move(manager);
    } else {
      out.push_back(std::move(manager));
    }
  }
  return out;
}

std::vector<metav1::ManagedFieldsEntry> encode_managers(Managers managers) {
  std::sort(managers.begin(), managers.end(), [](const Manager& p, const Manager& q) {
    if (p.applied != q.applied) return p.applied;
    if (seconds(p.time) != seconds(q.time)) return seconds(p.time) < seconds(q.time);
    if (p.name != q.name) return p.name < q.name;
    if (p.api_version != q.api_version) return p.api_version < q.api_version;
    return p.subresource < q.subresource;
  });
  std::vector<metav1::ManagedFieldsEntry> out;
  out.reserve(managers.size());
  for (auto& manager : managers) {
    auto& entry = out.emplace_back();
    entry.manager = std::move(manager.name);
    entry.operation = manager.applied ? "Apply" : "Update";
    entry.api_version = std::move(manager.api_version);
    entry.subresource = std::move(manager.subresource);
    entry.time = manager.time;
    entry.fields_type = "FieldsV1";
    entry.fields_v1 = RawJson{manager.fields.to_json()};
  }
  return out;
}

void ResetFields::drop(FieldSet& fields) const {
  for (const auto& path : reset) fields.remove_below(path);
  if (kept.empty()) return;
  const std::vector<std::span<const std::string_view>> paths(kept.begin(), kept.end());
  fields.keep_below(paths);
}

void drop_identity(FieldSet& fields) {
  static const FieldSet kIdentity = [] {
    FieldSet out;
    out.at("f:apiVersion").insert();
    out.at("f:kind").insert();
    FieldSet& meta = out.at("f:metadata");
    meta.insert();
    for (const auto* name : {"clusterName", "creationTimestamp", "generation", "managedFields",
                             "name", "namespace", "resourceVersion", "selfLink", "uid"}) {
      meta.at(cat("f:", name)).insert();
    }
    return out;
  }();
  fields.remove(kIdentity);
}

void cap_updaters(Managers& managers) {
  const auto count = [&] {
    return static_cast<std::size_t>(std::count_if(managers.begin(), managers.end(),
                                                  [](const Manager& m) { return !m.applied; }));
  };
  std::size_t updaters = count();
  if (updaters <= kMaxUpdaters) return;
  std::sort(managers.begin(), managers.end(), [](const Manager& a, const Manager& b) {
    if (seconds(a.time) != seconds(b.time)) return seconds(a.time) < seconds(b.time);
    return a.name < b.name;
  });
  for (std::size_t i = 0; i < managers.size() && updaters > kMaxUpdaters; ++i) {
    if (managers[i].applied) continue;
    for (std::size_t k = i + 1; k < managers.size() && updaters > kMaxUpdaters;) {
      Manager& next = managers[k];
      if (next.applied || next.api_version != managers[i].api_version) {
        ++k;
        continue;
      }
      managers[i].fields.add(next.fields);
      managers[i].name = kBucket;
      managers[i].subresource.clear();
      managers[i].time = next.time;
      managers.erase(managers.begin() + static_cast<std::ptrdiff_t>(k));
      --updaters;
    }
  }
}

Managers scale_managers(const Managers& parent, std::span<const std::string_view> replicas) {
  Managers out;
  for (const auto& manager : parent) {
    if (!has(manager.fields, replicas)) continue;
    Manager& made = out.emplace_back(manager);
    made.api_version = kScaleVersion;
    made.fields = one_field(kReplicas);
  }
  return out;
}

Managers parent_managers(const Managers& parent, Managers scale, std::string_view parent_version,
                         std::span<const std::string_view> replicas) {
  const FieldSet own = one_field(replicas);
  Managers out;
  for (const auto& manager : parent) {
    Manager& kept = out.emplace_back(manager);
    if (!has(manager.fields, replicas)) continue;
    Manager in_scale = manager;
    in_scale.api_version = kScaleVersion;
    const auto still = std::find_if(scale.begin(), scale.end(), [&](const Manager& m) {
      return m.same_as(in_scale) && has(m.fields, kReplicas);
    });
    if (still != scale.end()) {
      scale.erase(still);
      continue;
    }
    kept.fields.remove(own);
    if (kept.fields.empty()) out.pop_back();
  }
  for (auto& manager : scale) {
    if (!has(manager.fields, kReplicas)) continue;
    manager.api_version = parent_version;
    manager.fields = own;
    manager.time.reset();
    const auto same =
        std::find_if(out.begin(), out.end(), [&](const Manager& m) { return m.same_as(manager); });
    if (same != out.end()) {
      same->fields.add(manager.fields);
    } else {
      out.push_back(std::move(manager));
    }
  }
  return out;
}

}  // namespace kpp::api
