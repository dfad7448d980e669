#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/table/printers.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

std::string access_modes(const std::vector<std::string>& modes) {
  constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"ReadWriteOnce", "RWO"},
      {"ReadOnlyMany", "ROX"},
      {"ReadWriteMany", "RWX"},
      {"ReadWriteOncePod", "RWOP"},
  };
  std::string out;
  for (const auto& [mode, text] : kShort) {
    if (std::ranges::find(modes, mode) == modes.end()) continue;
    if (!out.empty()) out += ',';
    out += text;
  }
  return out;
}

std::string storage_of(const std::map<std::string, api::Quantity>& resources) {
  const auto found = resources.find("storage");
  return found == resources.end() ? "0" : found->second.to_string();
}

// An annotation of old times comes before the field.
std::string storage_class(const metav1::ObjectMeta& meta, const std::string& field) {
  const auto found = meta.annotations.find("volume.beta.kubernetes.io/storage-class");
  return found == meta.annotations.end() ? field : found->second;
}

std::string_view phase(const metav1::ObjectMeta& meta, std::string_view phase_of_status) {
  return meta.deletion_timestamp ? "Terminating" : phase_of_status;
}

bool annotated(const metav1::ObjectMeta& meta, std::string_view key) {
  const auto found = meta.annotations.find(std::string(key));
  return found != meta.annotations.end() && found->second == "true";
}

}  // namespace

void csi_driver_row(const storagev1::CSIDriver& driver, Row& row) {
  const auto& spec = driver.spec;
  std::string tokens(kUnset);
  if (!spec.token_requests.empty()) {
    std::vector<std::string> audiences;
    for (const auto& request : spec.token_requests) audiences.push_back(request.audience);
    tokens = join(audiences, ",");
  }
  row.text(driver.metadata.name)
      .boolean(spec.attach_required.value_or(true))
      .boolean(spec.pod_info_on_mount.value_or(false))
      .boolean(spec.storage_capacity.value_or(false))
      .text(tokens)
      .boolean(spec.requires_republish.value_or(false))
      .text_or(join(spec.volume_lifecycle_modes, ","), kNone)
      .age(driver.metadata);
}

void csi_node_row(const storagev1::CSINode& node, Row& row) {
  row.text(node.metadata.name)
      .number(static_cast<std::int64_t>(node.spec.drivers.size()))
      .age(node.metadata);
}

void persistent_volume_row(const corev1::PersistentVolume& volume, Row& row) {
  const auto& spec = volume.spec;
  row.text(volume.metadata.name)
      .text(storage_of(spec.capacity))
      .text(access_modes(spec.access_modes))
      .text(spec.persistent_volume_reclaim_policy)
      .text(phase(volume.metadata, volume.status.phase))
      .text(spec.claim_ref ? cat(spec.claim_ref->namespace_, '/', spec.claim_ref->name)
                           : std::string())
      .text(storage_class(volume.metadata, spec.storage_class_name))
      .text(spec.volume_attributes_class_name.value_or(std::string(kUnset)))
      .text(volume.status.reason)
      .age(volume.metadata)
      .text(spec.volume_mode.value_or(std::string(kUnset)));
}

void persistent_volume_claim_row(const corev1::PersistentVolumeClaim& claim, Row& row) {
  const auto& spec = claim.spec;
  const bool bound = !spec.volume_name.empty();
  row.text(claim.metadata.name)
      .text(phase(claim.metadata, claim.status.phase))
      .text(spec.volume_name)
      .text(bound ? storage_of(claim.status.capacity) : std::string())
      .text(bound ? access_modes(claim.status.access_modes) : std::string())
      .text(storage_class(claim.metadata, spec.storage_class_name.value_or("")))
      .text(spec.volume_attributes_class_name.value_or(std::string(kUnset)))
      .age(claim.metadata)
      .text(spec.volume_mode.value_or(std::string(kUnset)));
}

void storage_class_row(const storagev1::StorageClass& provided, Row& row) {
  const auto& meta = provided.metadata;
  const bool is_default = annotated(meta, "storageclass.kubernetes.io/is-default-class") ||
                          annotated(meta, "storageclass.beta.kubernetes.io/is-default-class");
  row.text(is_default ? cat(meta.name, " (default)") : meta.name)
      .text(provided.provisioner)
      .text(provided.reclaim_policy.value_or("Delete"))
      .text(provided.volume_binding_mode.value_or("Immediate"))
      .boolean(provided.allow_volume_expansion.value_or(false))
      .age(meta);
}

void volume_attachment_row(const storagev1::VolumeAttachment& attachment, Row& row) {
  row.text(attachment.metadata.name)
      .text(attachment.spec.attacher)
      .text(attachment.spec.source.persistent_volume_name.value_or(""))
      .text(attachment.spec.node_name)
      .boolean(attachment.status.attached)
      .age(attachment.metadata);
}

void volume_attributes_class_row(const storagev1::VolumeAttributesClass& attributes, Row& row) {
  row.text(attributes.metadata.name).text(attributes.driver_name).age(attributes.metadata);
}

}  // namespace kpp::apiserver
