#include "controllers/deployment/revisions.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/cat.h"

namespace kpp::controllers {
namespace {

constexpr std::size_t kMaxHistory = 2000;
// These belong to one object and are not handed down.
constexpr std::array<std::string_view, 6> kOwnAnnotations = {
    "kubectl.kubernetes.io/last-applied-configuration",
    kRevision,
    kRevisionHistory,
    kDesiredReplicas,
    kMaxReplicas,
    "deprecated.deployment.rollback.to"};

std::int64_t number(const std::string& text, std::int64_t fallback) {
  std::int64_t out = fallback;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() ? out : fallback;
}

void add_to_history(std::map<std::string, std::string>& annotations, const std::string& revision) {
  std::string& history = annotations[kRevisionHistory];
  while (!history.empty() && history.size() + 1 + revision.size() > kMaxHistory) {
    const auto comma = history.find(',');
    history = comma == std::string::npos ? std::string() : history.substr(comma + 1);
  }
  history += cat(history.empty() ? "" : ",", revision);
}

}  // namespace

std::int64_t revision_of(const metav1::ObjectMeta& meta) {
  const auto it = meta.annotations.find(kRevision);
  return it == meta.annotations.end() ? 0 : number(it->second, 0);
}

std::int64_t newest_revision(const std::vector<const appsv1::ReplicaSet*>& sets) {
  std::int64_t newest = 0;
  for (const auto* set : sets) newest = std::max(newest, revision_of(set->metadata));
  return newest;
}

std::int32_t annotated_replicas(const appsv1::ReplicaSet& set, const char* annotation) {
  const auto it = set.metadata.annotations.find(annotation);
  return it == set.metadata.annotations.end() ? -1
                                              : static_cast<std::int32_t>(number(it->second, -1));
}

bool annotate_new_set(const appsv1::Deployment& d, appsv1::ReplicaSet& set, std::int64_t revision,
                      bool exists) {
  auto& annotations = set.metadata.annotations;
  bool changed = false;
  for (const auto& [key, value] : d.metadata.annotations) {
    if (std::find(kOwnAnnotations.begin(), kOwnAnnotations.end(), key) != kOwnAnnotations.end())
      continue;
    const auto it = annotations.find(key);
    if (it != annotations.end() && it->second == value) continue;
    annotations[key] = value;
    changed = true;
  }
  const auto had = annotations.find(kRevision);
  const std::string old = had == annotations.end() ? std::string() : had->second;
  if (number(old, 0) < revision) {
    annotations[kRevision] = std::to_string(revision);
    if (!old.empty()) add_to_history(annotations, old);
    changed = true;
  }
  if (!exists && annotate_replicas(set, wanted(d), wanted(d) + max_surge(d))) changed = true;
  return changed;
}

bool annotate_replicas(appsv1::ReplicaSet& set, std::int32_t desired, std::int32_t most) {
  auto& annotations = set.metadata.annotations;
  bool changed = false;
  for (const auto& [key, value] :
       {std::pair(kDesiredReplicas, desired), std::pair(kMaxReplicas, most)}) {
    std::string& slot = annotations[key];
    const std::string text = std::to_string(value);
    changed |= slot != text;
    slot = text;
  }
  return changed;
}

}  // namespace kpp::controllers
