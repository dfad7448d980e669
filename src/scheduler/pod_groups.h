// Which pods belong together: those of a service, and those of a replica set, replication
// controller or stateful set.
#pragma once

#include <map>
#include <string>

#include "api/corev1.h"
#include "api/meta.h"
#include "api/selectors.h"

namespace kpp::scheduler {

// Runs on: its owner's executor.
class PodGroups {
 public:
  // An empty selector is no group.
  void set_service(const api::ObjectKey& key, const api::Labels& selector);
  void remove_service(const api::ObjectKey& key);
  void set_owner(const std::string& uid, metav1::LabelSelector selector);
  void remove_owner(const std::string& uid) { owners_.erase(uid); }

  // What its services and its owner select, all of it; empty: the pod is alone.
  api::LabelSelector selector_of(const corev1::Pod& pod) const;

 private:
  std::map<std::string, std::map<std::string, api::Labels>> services_;  // by namespace and name
  std::map<std::string, metav1::LabelSelector> owners_;                 // by uid
};

}  // namespace kpp::scheduler
