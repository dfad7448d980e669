#include "scheduler/pod_groups.h"

#include <algorithm>

namespace kpp::scheduler {

void PodGroups::set_service(const api::ObjectKey& key, const api::Labels& selector) {
  if (selector.empty()) {
    remove_service(key);
  } else {
    services_[key.namespace_][key.name] = selector;
  }
}

void PodGroups::remove_service(const api::ObjectKey& key) {
  const auto found = services_.find(key.namespace_);
  if (found == services_.end()) return;
  found->second.erase(key.name);
  if (found->second.empty()) services_.erase(found);
}

void PodGroups::set_owner(const std::string& uid, metav1::LabelSelector selector) {
  owners_[uid] = std::move(selector);
}

api::LabelSelector PodGroups::selector_of(const corev1::Pod& pod) const {
  metav1::LabelSelector wanted;
  if (const auto* owner = api::controller_of(pod.metadata)) {
    if (const auto found = owners_.find(owner->uid); found != owners_.end()) wanted = found->second;
  }
  if (const auto found = services_.find(pod.metadata.namespace_); found != services_.end()) {
    const auto& labels = pod.metadata.labels;
    for (const auto& [name, selector] : found->second) {
      const bool selects = std::all_of(selector.begin(), selector.end(), [&](const auto& pair) {
        const auto label = labels.find(pair.first);
        return label != labels.end() && label->second == pair.second;
      });
      if (selects) wanted.match_labels.insert(selector.begin(), selector.end());
    }
  }
  auto out = api::LabelSelector::from(wanted);
  return out ? std::move(*out) : api::LabelSelector::nothing();
}

}  // namespace kpp::scheduler
