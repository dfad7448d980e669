// Deletes what is in a namespace, and counts what is left.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "client/client.h"

namespace kpp::controllers {

struct ContentLeft {
  std::map<std::string, int> resources;   // "pods." or "deployments.apps": how many
  std::map<std::string, int> finalizers;  // finalizer: on how many objects
  std::vector<std::string> errors;
  std::int64_t wait_seconds = 0;  // an estimate of how long the rest takes

  bool empty() const { return resources.empty(); }
};

// Namespaced resources that can be listed and deleted.
std::vector<const api::TypeDesc*> deletable_types();

// Pods go first; the rest when there are none left.
async::Task<ContentLeft> delete_content(client::Client& client, std::string namespace_,
                                        async::StopToken stop);

// The five conditions that tell of the deletion, in the namespace's status.
void set_deletion_conditions(corev1::NamespaceStatus& status, const ContentLeft& left,
                             WallTime now);

}  // namespace kpp::controllers
