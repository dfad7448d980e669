// PersistentVolumes.
#include "api/json_codec.h"
#include "validation/core/pod_scheduling.h"
#include "validation/core/resources.h"
#include "validation/core/volume_claims.h"
#include "validation/core/volume_sources.h"
#include "validation/core/volumes.h"
#include "validation/diff.h"
#include "validation/go_value.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

void check_local(FieldErrors& errors, const FieldPath& at,
                 const corev1::LocalVolumeSource& source) {
  if (source.path.empty()) {
    errors.required(at.child("path"));
  } else {
    check_no_backsteps(errors, at.child("path"), source.path);
  }
}

void check_secret(FieldErrors& errors, const FieldPath& at,
                  const api::Opt<corev1::SecretReference>& secret) {
  if (!secret) return;
  if (secret->name.empty()) errors.required(at.child("name"));
  if (secret->namespace_.empty()) errors.required(at.child("namespace"));
}

void check_csi(FieldErrors& errors, const FieldPath& at,
               const corev1::CSIPersistentVolumeSource& source) {
  check_csi_driver_name(errors, at.child("driver"), source.driver);
  if (source.volume_handle.empty()) errors.required(at.child("volumeHandle"));
  check_secret(errors, at.child("controllerPublishSecretRef"),
               source.controller_publish_secret_ref);
  check_secret(errors, at.child("nodePublishSecretRef"), source.node_publish_secret_ref);
  check_secret(errors, at.child("controllerExpandSecretRef"), source.controller_expand_secret_ref);
  check_secret(errors, at.child("nodeExpandSecretRef"), source.node_expand_secret_ref);
}

void check_storage_os(FieldErrors& errors, const FieldPath& at,
                      const corev1::StorageOSPersistentVolumeSource& source) {
  if (source.volume_name.empty()) {
    errors.required(at.child("volumeName"));
  } else {
    check_dns1123_label(errors, at.child("volumeName"), source.volume_name);
  }
  if (!source.volume_namespace.empty())
    check_dns1123_label(errors, at.child("volumeNamespace"), source.volume_namespace);
}

void check_source(FieldErrors& errors, const FieldPath& at,
                  const corev1::PersistentVolumeSource& source) {
  OneSource one(errors, at);
  one.take("hostPath", source.host_path, check_host_path);
  one.take("gcePersistentDisk", source.gce_persistent_disk, check_gce_disk);
  one.take("awsElasticBlockStore", source.aws_elastic_block_store, check_aws_store);
  one.take("glusterfs", source.glusterfs, check_glusterfs<corev1::GlusterfsPersistentVolumeSource>);
  one.take("flocker", source.flocker, check_flocker);
  one.take("nfs", source.nfs, check_nfs);
  one.take("rbd", source.rbd, check_rbd<corev1::RBDPersistentVolumeSource>);
  one.take("quobyte", source.quobyte, check_quobyte);
  one.take("cephFS", source.cephfs, check_cephfs<corev1::CephFSPersistentVolumeSource>);
  one.take("iscsi", source.iscsi, check_iscsi<corev1::ISCSIPersistentVolumeSource>);
  one.take("cinder", source.cinder, check_cinder<corev1::CinderPersistentVolumeSource>);
  one.take("fc", source.fc, check_fibre_channel);
  one.take("flexVolume", source.flex_volume, check_flex<corev1::FlexPersistentVolumeSource>);
  one.take("azureFile", source.azure_file,
           check_azure_file<corev1::AzureFilePersistentVolumeSource>);
  one.take("vsphereVolume", source.vsphere_volume, check_vsphere);
  one.take("photonPersistentDisk", source.photon_persistent_disk, check_photon);
  one.take("portworxVolume", source.portworx_volume, check_portworx);
  one.take("azureDisk", source.azure_disk, check_azure_disk);
  one.take("scaleIO", source.scale_io, check_scale_io<corev1::ScaleIOPersistentVolumeSource>);
  one.take("local", source.local, check_local);
  one.take("storageos", source.storageos, check_storage_os);
  one.take("csi", source.csi, check_csi);
  one.finish();
}

void check_spec(FieldErrors& errors, const FieldPath& at,
                const corev1::PersistentVolumeSpec& spec) {
  if (spec.access_modes.empty()) errors.required(at.child("accessModes"));
  check_access_modes(errors, at.child("accessModes"), spec.access_modes);
  const FieldPath capacity = at.child("capacity");
  if (spec.capacity.empty()) errors.required(capacity);
  if (!spec.capacity.contains("storage") || spec.capacity.size() > 1) {
    errors.not_supported(capacity, spec.capacity, {"storage"});
  }
  for (const auto& [name, quantity] : spec.capacity) {
    if (name != "storage") continue;
    if (amount_of(quantity).sign() <= 0)
      errors.invalid(capacity.key(name), quantity, "must be greater than zero");
  }
  const std::string& reclaim = spec.persistent_volume_reclaim_policy;
  if (!reclaim.empty() && reclaim != "Delete" && reclaim != "Recycle" && reclaim != "Retain") {
    errors.not_supported(at.child("persistentVolumeReclaimPolicy"), reclaim,
                         {"Delete", "Recycle", "Retain"});
  }
  if (spec.node_affinity) {
    const FieldPath affinity = at.child("nodeAffinity");
    if (spec.node_affinity->required) {
      check_node_selector(errors, affinity.child("required"), *spec.node_affinity->required);
    } else {
      errors.required(affinity.child("required"), "must specify required node constraints");
    }
  }
  check_source(errors, at, spec.persistent_volume_source);
  if (spec.persistent_volume_source.local && !spec.node_affinity) {
    errors.required(at.child("nodeAffinity"), "Local volume requires node affinity");
  }
  if (spec.persistent_volume_source.host_path &&
      spec.persistent_volume_source.host_path->path == "/" && reclaim == "Recycle") {
    errors.forbidden(at.child("persistentVolumeReclaimPolicy"),
                     "may not be 'recycle' for a hostPath mount of '/'");
  }
  if (!spec.storage_class_name.empty()) {
    check_dns1123_subdomain(errors, at.child("storageClassName"), spec.storage_class_name);
  }
  if (spec.volume_mode && *spec.volume_mode != "Block" && *spec.volume_mode != "Filesystem") {
    errors.not_supported(at.child("volumeMode"), *spec.volume_mode, {"Block", "Filesystem"});
  }
  if (spec.volume_attributes_class_name) {
    if (spec.volume_attributes_class_name->empty()) {
      errors.required(at.child("volumeAttributesClassName"), "an empty string is disallowed");
    } else {
      check_dns1123_subdomain(errors, at.child("volumeAttributesClassName"),
                              *spec.volume_attributes_class_name);
    }
    if (!spec.persistent_volume_source.csi) {
      errors.required(at.child("csi"), "has to be specified when using volumeAttributesClassName");
    }
  }
}

}  // namespace

void validate(FieldErrors& errors, const corev1::PersistentVolume& volume, const Context&) {
  check_metadata(errors, volume.metadata, false, subdomain_name);
  check_spec(errors, FieldPath("spec"), volume.spec);
}

void validate_change(FieldErrors& errors, const corev1::PersistentVolume& volume,
                     const corev1::PersistentVolume& old, const Context& context) {
  if (context.is_status) return check_metadata_update(errors, volume.metadata, old.metadata);
  validate(errors, volume, context);
  corev1::PersistentVolumeSource was = old.spec.persistent_volume_source;
  if (was.csi && volume.spec.persistent_volume_source.csi &&
      !was.csi->controller_expand_secret_ref) {
    was.csi->controller_expand_secret_ref =
        volume.spec.persistent_volume_source.csi->controller_expand_secret_ref;
  }
  if (!api::equal(volume.spec.persistent_volume_source, was)) {
    const auto text = [](const corev1::PersistentVolumeSource& source) {
      return go_json_indented(corev1::PersistentVolumeSource::desc(), &source);
    };
    errors.forbidden(FieldPath("spec").child("persistentvolumesource"),
                     cat("spec.persistentvolumesource is immutable after creation\n",
                         unified_diff(text(old.spec.persistent_volume_source),
                                      text(volume.spec.persistent_volume_source))));
  }
  check_immutable(errors, FieldPath("volumeMode"), volume.spec.volume_mode, old.spec.volume_mode);
  if (old.spec.node_affinity &&
      !(volume.spec.node_affinity &&
        api::equal(*volume.spec.node_affinity, *old.spec.node_affinity))) {
    errors.invalid(FieldPath("spec").child("nodeAffinity"), go_value(volume.spec.node_affinity),
                   kImmutable);
  }
}

}  // namespace kpp::validation
