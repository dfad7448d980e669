// Which objects a node needs for the pods that are bound to it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/auth/pod_references.h"
#include "apiserver/watch_cache.h"

namespace kpp::apiserver {

// Guarantees: follows the pods as the watch cache sees them. A pod's references are read when they
//   are first asked about, so a node that asks nothing costs its pods' names alone.
// Ownership: cache and table outlive it.
// Runs on: the server's executor.
class NodeGraph {
 public:
  NodeGraph(WatchCache& cache, const ResourceTable& table);

  bool needs_secret(std::string_view node, std::string_view ns, std::string_view name) const;
  bool needs_config_map(std::string_view node, std::string_view ns, std::string_view name) const;
  bool needs_claim(std::string_view node, std::string_view ns, std::string_view name) const;
  bool needs_resource_claim(std::string_view node, std::string_view ns,
                            std::string_view name) const;
  bool needs_service_account(std::string_view node, std::string_view ns,
                             std::string_view name) const;
  bool needs_volume(std::string_view node, std::string_view name) const;
  bool runs_pod(std::string_view node, std::string_view ns, std::string_view name) const;
  // Whether the object, a VolumeAttachment or a ResourceSlice, names the node in spec.nodeName.
  bool is_named_by(std::string_view node, std::string_view group, std::string_view resource,
                   std::string_view name) const;

 private:
  struct BoundPod {
    std::string namespace_;
    CachedRef object;
    mutable std::optional<PodReferences> references;  // nullopt: not read yet
  };
  // By the pods' keys in the store.
  using Pods = std::map<std::string, BoundPod, std::less<>>;
  struct Index {
    std::map<std::string, Pods, std::less<>> by_node;
  };

  static void follow(Index& index, const ServedResource& pods, const CacheEvent& event);
  CachedRef find(std::string_view group, std::string_view resource, std::string_view ns,
                 std::string_view name) const;
  // Whether a pod of the node, in the namespace (empty: any), has references that are the case.
  template <class Is>
  bool any(std::string_view node, std::string_view ns, Is is) const;
  bool volume_has_secret(const std::string& claim_namespace, const std::string& claim,
                         std::string_view ns, std::string_view secret) const;

  WatchCache& cache_;
  const ResourceTable& table_;
  std::shared_ptr<Index> index_;  // shared with the cache's listener
};

}  // namespace kpp::apiserver
