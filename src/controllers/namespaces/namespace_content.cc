#include "controllers/namespaces/namespace_content.h"

#include <algorithm>
#include <set>

namespace kpp::controllers {
namespace {

constexpr std::int64_t kFinalizerSeconds = 15;

bool has_verb(std::string_view verbs, std::string_view verb) {
  while (!verbs.empty()) {
    const auto comma = verbs.find(',');
    if (verbs.substr(0, comma) == verb) return true;
    if (comma == std::string_view::npos) return false;
    verbs.remove_prefix(comma + 1);
  }
  return false;
}

std::string name_of(const api::TypeDesc& type) {
  return cat(type.resource->plural, ".", type.gvks.front().group);
}

void count(ContentLeft& left, const api::TypeDesc& type, const api::Object& object) {
  ++left.resources[name_of(type)];
  const auto* meta = api::metadata(type, object.data());
  for (const auto& finalizer : meta->finalizers) ++left.finalizers[finalizer];
  std::int64_t seconds = meta->finalizers.empty() ? 0 : kFinalizerSeconds;
  if (const auto* pod = object.as<corev1::Pod>()) {
    seconds = std::max(seconds, pod->metadata.deletion_grace_period_seconds.value_or(
                                    pod->spec.termination_grace_period_seconds.value_or(30)));
  }
  left.wait_seconds = std::max(left.wait_seconds, seconds);
}

async::Task<void> delete_type(client::Client& client, const api::TypeDesc* type, std::string ns,
                              ContentLeft* left, async::StopToken stop) {
  auto listed = co_await client.list(*type, ns, {}, stop);
  if (!listed) {
    // Not served here: nothing of it can be in the namespace.
    if (!listed.error().is(Reason::kNotFound)) left->errors.push_back(listed.error().message());
    co_return;
  }
  for (auto& object : listed->items) {
    const auto* meta = api::metadata(object);
    if (!meta->deletion_timestamp) {
      client::DeleteQuery query;
      query.propagation_policy = "Background";
      Status status = co_await client.remove(*type, {ns, meta->name}, query, stop);
      if (!status.ok() && !status.is(Reason::kNotFound)) left->errors.push_back(status.message());
    }
  }
  if (listed->items.empty()) co_return;
  auto again = co_await client.list(*type, ns, {}, stop);
  if (!again) {
    left->errors.push_back(again.error().message());
    co_return;
  }
  for (const auto& object : again->items) count(*left, *type, object);
}

std::string listing(const std::map<std::string, int>& counts, std::string_view joint) {
  std::vector<std::string> parts;
  for (const auto& [name, n] : counts) parts.push_back(cat(name, joint, n, " resource instances"));
  return join(parts, ", ");
}

void set(corev1::NamespaceStatus& status, std::string_view type, bool bad,
         std::string_view good_reason, std::string_view good_message, std::string_view bad_reason,
         const std::string& bad_message, WallTime now) {
  corev1::NamespaceCondition condition;
  condition.type = type;
  condition.status = bad ? "True" : "False";
  condition.reason = bad ? bad_reason : good_reason;
  condition.message = bad ? bad_message : std::string(good_message);
  condition.last_transition_time = api::Time::from(now);
  auto& all = status.conditions;
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
  if (it == all.end()) {
    all.push_back(std::move(condition));
  } else if (it->status != condition.status || it->reason != condition.reason ||
             it->message != condition.message) {
    *it = std::move(condition);
  }
}

}  // namespace

std::vector<const api::TypeDesc*> deletable_types() {
  std::vector<const api::TypeDesc*> out;
  for (const auto* type : api::all_types()) {
    const auto* resource = type->resource;
    if (!resource || !resource->namespaced || type->gvks.empty()) continue;
    if (has_verb(resource->verbs, "delete") && has_verb(resource->verbs, "list"))
      out.push_back(type);
  }
  return out;
}

async::Task<ContentLeft> delete_content(client::Client& client, std::string namespace_,
                                        async::StopToken stop) {
  ContentLeft left;
  co_await delete_type(client, &corev1::Pod::desc(), namespace_, &left, stop);
  if (!left.empty() || !left.errors.empty()) co_return left;
  std::set<std::string> done{name_of(corev1::Pod::desc())};
  for (const auto* type : deletable_types()) {
    if (stop.stop_requested()) co_return left;
    if (!done.insert(name_of(*type)).second) continue;  // another version of the same objects
    co_await delete_type(client, type, namespace_, &left, stop);
  }
  co_return left;
}

void set_deletion_conditions(corev1::NamespaceStatus& status, const ContentLeft& left,
                             WallTime now) {
  set(status, "NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
      "All resources successfully discovered", "", "", now);
  set(status, "NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
      "All legacy kube types successfully parsed", "", "", now);
  set(status, "NamespaceDeletionContentFailure", !left.errors.empty(), "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization", "ContentDeletionFailed",
      cat("Failed to delete all resource types, ", left.errors.size(),
          " remaining: ", join(left.errors, ", ")),
      now);
  set(status, "NamespaceContentRemaining", !left.resources.empty(), "ContentRemoved",
      "All content successfully removed", "SomeResourcesRemain",
      cat("Some resources are remaining: ", listing(left.resources, " has ")), now);
  set(status, "NamespaceFinalizersRemaining", !left.finalizers.empty(), "ContentHasNoFinalizers",
      "All content-preserving finalizers finished", "SomeFinalizersRemain",
      cat("Some content in the namespace has finalizers remaining: ",
          listing(left.finalizers, " in ")),
      now);
}

}  // namespace kpp::controllers
