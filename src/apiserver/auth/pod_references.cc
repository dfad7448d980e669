#include "apiserver/auth/pod_references.h"

#include "base/cat.h"

namespace kpp::apiserver {
namespace {

// Containers of every kind: ephemeral ones carry the same fields in another message.
template <class Container>
void add_container(const Container& container, PodReferences& out) {
  for (const auto& from : container.env_from) {
    if (from.secret_ref) out.secrets.insert(from.secret_ref->local_object_reference.name);
    if (from.config_map_ref)
      out.config_maps.insert(from.config_map_ref->local_object_reference.name);
  }
  for (const auto& variable : container.env) {
    if (!variable.value_from) continue;
    if (const auto& key = variable.value_from->secret_key_ref)
      out.secrets.insert(key->local_object_reference.name);
    if (const auto& key = variable.value_from->config_map_key_ref)
      out.config_maps.insert(key->local_object_reference.name);
  }
}

void add_volume(const corev1::Pod& pod, const corev1::Volume& volume, PodReferences& out) {
  const auto& source = volume.volume_source;
  const auto add_secret = [&](const auto& of) {
    if (of && of->secret_ref) out.secrets.insert(of->secret_ref->name);
  };
  if (source.secret) out.secrets.insert(source.secret->secret_name);
  if (source.config_map) out.config_maps.insert(source.config_map->local_object_reference.name);
  if (source.persistent_volume_claim) out.claims.insert(source.persistent_volume_claim->claim_name);
  if (source.ephemeral) out.claims.insert(cat(pod.metadata.name, "-", volume.name));
  if (source.azure_file) out.secrets.insert(source.azure_file->secret_name);
  add_secret(source.cephfs);
  add_secret(source.cinder);
  add_secret(source.flex_volume);
  add_secret(source.iscsi);
  add_secret(source.rbd);
  add_secret(source.scale_io);
  add_secret(source.storageos);
  if (source.csi && source.csi->node_publish_secret_ref)
    out.secrets.insert(source.csi->node_publish_secret_ref->name);
  if (!source.projected) return;
  for (const auto& part : source.projected->sources) {
    if (part.secret) out.secrets.insert(part.secret->local_object_reference.name);
    if (part.config_map) out.config_maps.insert(part.config_map->local_object_reference.name);
  }
}

}  // namespace

PodReferences references_of(const corev1::Pod& pod) {
  PodReferences out;
  out.service_account = pod.spec.service_account_name;
  for (const auto& secret : pod.spec.image_pull_secrets) out.secrets.insert(secret.name);
  for (const auto& container : pod.spec.init_containers) add_container(container, out);
  for (const auto& container : pod.spec.containers) add_container(container, out);
  for (const auto& container : pod.spec.ephemeral_containers)
    add_container(container.ephemeral_container_common, out);
  for (const auto& volume : pod.spec.volumes) add_volume(pod, volume, out);
  for (const auto& claim : pod.spec.resource_claims) {
    if (claim.resource_claim_name) out.resource_claims.insert(*claim.resource_claim_name);
  }
  for (const auto& claim : pod.status.resource_claim_statuses) {
    if (claim.resource_claim_name) out.resource_claims.insert(*claim.resource_claim_name);
  }
  out.secrets.erase("");
  out.config_maps.erase("");
  return out;
}

}  // namespace kpp::apiserver
