#include "apiserver/auth/node_graph.h"

#include "api/json_codec.h"
#include "apiserver/resources.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";

std::string_view node_of(const CachedRef& pod) {
  if (!pod) return {};
  for (const auto& [field, value] : pod->fields) {
    if (field == "spec.nodeName") return value;
  }
  return {};
}

// What a bound pod refers to stands, but for these.
bool may_refer_to_more(const CachedObject& pod) {
  return pod.json->find("\"ephemeralContainers\"") != std::string::npos ||
         pod.json->find("\"resourceClaimStatuses\"") != std::string::npos;
}

// A mirror pod is the node's own word: it gives no rights.
PodReferences read_references(const CachedObject& object) {
  const auto pod = api::parse_json<corev1::Pod>(*object.json);
  if (!pod || pod->metadata.annotations.contains(std::string(kMirrorAnnotation))) return {};
  return references_of(*pod);
}

// Secrets that the driver of a volume needs; those without a namespace are in the claim's.
bool refers_to_secret(const corev1::PersistentVolumeSource& source, std::string_view claim_ns,
                      std::string_view ns, std::string_view name) {
  const auto is = [&](const auto& reference) {
    if (!reference || reference->name != name) return false;
    return (reference->namespace_.empty() ? claim_ns : std::string_view(reference->namespace_)) ==
           ns;
  };
  const auto has = [&](const auto& of) { return of && is(of->secret_ref); };
  if (has(source.cephfs) || has(source.cinder) || has(source.flex_volume) || has(source.rbd) ||
      has(source.scale_io) || has(source.iscsi) || has(source.storageos)) {
    return true;
  }
  if (source.azure_file && source.azure_file->secret_name == name) {
    const auto& own = source.azure_file->secret_namespace;
    if ((own && !own->empty() ? std::string_view(*own) : claim_ns) == ns) return true;
  }
  if (!source.csi) return false;
  const auto& csi = *source.csi;
  return is(csi.controller_publish_secret_ref) || is(csi.node_publish_secret_ref) ||
         is(csi.node_stage_secret_ref) || is(csi.controller_expand_secret_ref) ||
         is(csi.node_expand_secret_ref);
}

}  // namespace

NodeGraph::NodeGraph(WatchCache& cache, const ResourceTable& table)
    : cache_(cache), table_(table), index_(std::make_shared<Index>()) {
  const ServedResource* pods = table_.find("", "v1", "pods");
  if (pods == nullptr) return;
  cache_.add_listener(
      *pods, [index = index_, pods](const CacheEvent& event) { follow(*index, *pods, event); });
}

void NodeGraph::follow(Index& index, const ServedResource& pods, const CacheEvent& event) {
  const std::string_view before = node_of(event.previous);
  const std::string_view now = node_of(event.object);
  const CachedObject& any = event.object ? *event.object : *event.previous;
  const std::string key = pods.store_key(any.namespace_, any.name);
  if (!before.empty() && before != now) {
    if (const auto node = index.by_node.find(before); node != index.by_node.end()) {
      node->second.erase(key);
      if (node->second.empty()) index.by_node.erase(node);
    }
  }
  if (now.empty()) return;
  BoundPod& pod = index.by_node[std::string(now)][key];
  // A pod that was deleted and made again under its name is another one.
  const bool same = pod.object != nullptr && event.previous != nullptr;
  if (!same || may_refer_to_more(*event.object)) pod.references.reset();
  pod.namespace_ = event.object->namespace_;
  pod.object = event.object;
}

CachedRef NodeGraph::find(std::string_view group, std::string_view resource, std::string_view ns,
                          std::string_view name) const {
  const ServedResource* served = table_.find_any_version(group, resource);
  if (served == nullptr) return nullptr;
  served = served->storage;
  return cache_.cache(*served).find(served->store_key(ns, name));
}

template <class Is>
bool NodeGraph::any(std::string_view node, std::string_view ns, Is is) const {
  const auto pods = index_->by_node.find(node);
  if (pods == index_->by_node.end()) return false;
  for (const auto& [key, pod] : pods->second) {
    if (!ns.empty() && pod.namespace_ != ns) continue;
    if (!pod.references) pod.references = read_references(*pod.object);
    if (is(pod.namespace_, *pod.references)) return true;
  }
  return false;
}

bool NodeGraph::needs_config_map(std::string_view node, std::string_view ns,
                                 std::string_view name) const {
  return any(node, ns, [&](const auto&, const auto& r) { return r.config_maps.contains(name); });
}
bool NodeGraph::needs_claim(std::string_view node, std::string_view ns,
                            std::string_view name) const {
  return any(node, ns, [&](const auto&, const auto& r) { return r.claims.contains(name); });
}
bool NodeGraph::needs_resource_claim(std::string_view node, std::string_view ns,
                                     std::string_view name) const {
  return any(node, ns,
             [&](const auto&, const auto& r) { return r.resource_claims.contains(name); });
}
bool NodeGraph::needs_service_account(std::string_view node, std::string_view ns,
                                      std::string_view name) const {
  return any(node, ns, [&](const auto&, const auto& r) { return r.service_account == name; });
}

bool NodeGraph::needs_secret(std::string_view node, std::string_view ns,
                             std::string_view name) const {
  if (any(node, ns, [&](const auto&, const auto& r) { return r.secrets.contains(name); }))
    return true;
  return any(node, {}, [&](const std::string& claim_ns, const PodReferences& r) {
    for (const auto& claim : r.claims) {
      if (volume_has_secret(claim_ns, claim, ns, name)) return true;
    }
    return false;
  });
}

bool NodeGraph::volume_has_secret(const std::string& claim_namespace, const std::string& claim,
                                  std::string_view ns, std::string_view secret) const {
  const CachedRef object = find("", "persistentvolumeclaims", claim_namespace, claim);
  const auto document = object ? json::parse(*object->json) : Result<json::Value>(json::Value());
  if (!document) return false;
  const std::string_view name = json::text_at(*document, "spec.volumeName");
  if (name.empty()) return false;
  const CachedRef found = find("", "persistentvolumes", "", name);
  const auto volume = found ? api::parse_json<corev1::PersistentVolume>(*found->json)
                            : Result<corev1::PersistentVolume>(corev1::PersistentVolume());
  if (!volume || !volume->spec.claim_ref) return false;
  const auto& bound = *volume->spec.claim_ref;
  return bound.namespace_ == claim_namespace && bound.name == claim &&
         refers_to_secret(volume->spec.persistent_volume_source, claim_namespace, ns, secret);
}

bool NodeGraph::needs_volume(std::string_view node, std::string_view name) const {
  const CachedRef found = find("", "persistentvolumes", "", name);
  if (!found) return false;
  const auto document = json::parse(*found->json);
  if (!document) return false;
  return needs_claim(node, json::text_at(*document, "spec.claimRef.namespace"),
                     json::text_at(*document, "spec.claimRef.name"));
}

bool NodeGraph::runs_pod(std::string_view node, std::string_view ns, std::string_view name) const {
  const auto pods = index_->by_node.find(node);
  return pods != index_->by_node.end() &&
         pods->second.contains(table_.find("", "v1", "pods")->store_key(ns, name));
}

bool NodeGraph::is_named_by(std::string_view node, std::string_view group,
                            std::string_view resource, std::string_view name) const {
  const CachedRef found = find(group, resource, "", name);
  if (!found) return false;
  const auto document = json::parse(*found->json);
  return document && json::text_at(*document, "spec.nodeName") == node;
}

}  // namespace kpp::apiserver
