#include "validation/core/volume_sources.h"

#include <algorithm>
#include <set>

#include "validation/amounts.h"
#include "validation/core/environment.h"
#include "validation/core/volume_claims.h"
#include "validation/core/volumes.h"
#include "validation/formats.h"
#include "validation/metadata.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_key_to_path(FieldErrors& errors, const FieldPath& at, const corev1::KeyToPath& item) {
  if (item.key.empty()) {
    errors.required(at.child("key"));
  } else {
    errors.invalid_each(at.child("key"), item.key, config_key(item.key));
  }
  if (item.path.empty()) {
    errors.required(at.child("path"));
  } else {
    check_file_path(errors, at.child("path"), item.path);
  }
  check_mode(errors, at.child("mode"), item.mode);
}

void check_items(FieldErrors& errors, const FieldPath& at,
                 const std::vector<corev1::KeyToPath>& items) {
  for (std::size_t i = 0; i < items.size(); ++i)
    check_key_to_path(errors, at.child("items").index(i), items[i]);
}

void check_downward_file(FieldErrors& errors, const FieldPath& at,
                         const corev1::DownwardAPIVolumeFile& file) {
  if (file.path.empty()) errors.required(at.child("path"));
  check_file_path(errors, at.child("path"), file.path);
  if (file.field_ref) {
    check_pod_field(errors, at.child("fieldRef"), *file.field_ref, true);
    if (file.resource_field_ref) {
      errors.invalid(at, "resource",
                     "fieldRef and resourceFieldRef can not be specified simultaneously");
    }
  } else if (file.resource_field_ref) {
    check_resource_field(errors, at.child("resourceFieldRef"), *file.resource_field_ref, true);
  } else {
    errors.required(at, "one of fieldRef and resourceFieldRef is required");
  }
  check_mode(errors, at.child("mode"), file.mode);
}

void check_token(FieldErrors& errors, const FieldPath& at,
                 const corev1::ServiceAccountTokenProjection& token) {
  const std::int64_t seconds = token.expiration_seconds.value_or(3600);
  if (seconds < 600)
    errors.invalid(at.child("expirationSeconds"), seconds,
                   "may not specify a duration less than 10 minutes");
  if (seconds > (1LL << 32)) {
    errors.invalid(at.child("expirationSeconds"), seconds,
                   "may not specify a duration larger than 2^32 seconds");
  }
  if (token.path.empty())
    errors.required(at.child("path"));
  else
    check_file_path(errors, at.child("path"), token.path);
}

void check_trust_bundle(FieldErrors& errors, const FieldPath& at,
                        const corev1::ClusterTrustBundleProjection& bundle) {
  if (bundle.name && bundle.signer_name) {
    errors.invalid(at, "", "only one of name and signerName may be used");
  } else if (!bundle.name && !bundle.signer_name) {
    errors.required(at, "either name or signerName must be specified");
  }
  if (bundle.path.empty())
    errors.required(at.child("path"));
  else
    check_file_path(errors, at.child("path"), bundle.path);
}

void check_projected(FieldErrors& errors, const FieldPath& at,
                     const corev1::ProjectedVolumeSource& projected) {
  check_mode(errors, at.child("defaultMode"), projected.default_mode);
  std::set<std::string> paths;
  const auto take_path = [&](const std::string& path, const FieldPath& here) {
    if (!path.empty() && !paths.insert(path).second) {
      errors.invalid(here, path, "conflicting duplicate paths");
    }
  };
  for (std::size_t i = 0; i < projected.sources.size(); ++i) {
    const corev1::VolumeProjection& source = projected.sources[i];
    const FieldPath here = at.child("sources").index(i);
    int count = 0;
    const auto one = [&](const FieldPath& there) {
      if (++count > 1) errors.forbidden(there, "may not specify more than 1 volume type");
      return count == 1;
    };
    if (source.secret && one(here.child("secret"))) {
      if (source.secret->local_object_reference.name.empty())
        errors.required(here.child("secret", "name"));
      check_items(errors, here.child("secret"), source.secret->items);
      for (const auto& item : source.secret->items) take_path(item.path, at);
    }
    if (source.config_map && one(here.child("configMap"))) {
      if (source.config_map->local_object_reference.name.empty())
        errors.required(here.child("configMap", "name"));
      check_items(errors, here.child("configMap"), source.config_map->items);
      for (const auto& item : source.config_map->items) take_path(item.path, at);
    }
    if (source.downward_api && one(here.child("downwardAPI"))) {
      for (const auto& file : source.downward_api->items) {
        check_downward_file(errors, here.child("downwardAPI"), file);
        take_path(file.path, at);
      }
    }
    if (source.service_account_token && one(here.child("serviceAccountToken"))) {
      check_token(errors, here.child("serviceAccountToken"), *source.service_account_token);
      take_path(source.service_account_token->path, at);
    }
    if (source.cluster_trust_bundle && one(here.child("clusterTrustBundle"))) {
      check_trust_bundle(errors, here.child("clusterTrustBundle"), *source.cluster_trust_bundle);
      take_path(source.cluster_trust_bundle->path, at);
    }
    if (source.pod_certificate) one(here.child("podCertificate"));
    if (count == 0) errors.required(here, "must specify a volume type");
  }
}

void check_empty_dir(FieldErrors& errors, const FieldPath& at,
                     const corev1::EmptyDirVolumeSource& source) {
  if (source.size_limit && amount_of(*source.size_limit).sign() < 0) {
    errors.forbidden(at.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
  }
}

void check_git_repo(FieldErrors& errors, const FieldPath& at,
                    const corev1::GitRepoVolumeSource& source) {
  if (source.repository.empty()) errors.required(at.child("repository"));
  check_descending_path(errors, at.child("directory"), source.directory);
}

void check_secret(FieldErrors& errors, const FieldPath& at,
                  const corev1::SecretVolumeSource& source) {
  if (source.secret_name.empty()) errors.required(at.child("secretName"));
  check_mode(errors, at.child("defaultMode"), source.default_mode);
  check_items(errors, at, source.items);
}

void check_config_map(FieldErrors& errors, const FieldPath& at,
                      const corev1::ConfigMapVolumeSource& source) {
  if (source.local_object_reference.name.empty()) errors.required(at.child("name"));
  check_mode(errors, at.child("defaultMode"), source.default_mode);
  check_items(errors, at, source.items);
}

void check_claim(FieldErrors& errors, const FieldPath& at,
                 const corev1::PersistentVolumeClaimVolumeSource& source) {
  if (source.claim_name.empty()) errors.required(at.child("claimName"));
}

void check_downward(FieldErrors& errors, const FieldPath& at,
                    const corev1::DownwardAPIVolumeSource& source) {
  check_mode(errors, at.child("defaultMode"), source.default_mode);
  for (const corev1::DownwardAPIVolumeFile& file : source.items)
    check_downward_file(errors, at, file);
}

void check_storage_os(FieldErrors& errors, const FieldPath& at,
                      const corev1::StorageOSVolumeSource& source) {
  if (source.volume_name.empty()) {
    errors.required(at.child("volumeName"));
  } else {
    check_dns1123_label(errors, at.child("volumeName"), source.volume_name);
  }
  if (!source.volume_namespace.empty())
    check_dns1123_label(errors, at.child("volumeNamespace"), source.volume_namespace);
  if (source.secret_ref && source.secret_ref->name.empty())
    errors.required(at.child("secretRef", "name"));
}

void check_csi(FieldErrors& errors, const FieldPath& at, const corev1::CSIVolumeSource& source) {
  check_csi_driver_name(errors, at.child("driver"), source.driver);
  if (!source.node_publish_secret_ref) return;
  if (source.node_publish_secret_ref->name.empty()) {
    errors.required(at.child("nodePublishSecretRef", "name"));
  } else {
    check_dns1123_subdomain(errors, at.child("name"), source.node_publish_secret_ref->name);
  }
}

void check_ephemeral(FieldErrors& errors, const FieldPath& at,
                     const corev1::EphemeralVolumeSource& source) {
  if (!source.volume_claim_template) return errors.required(at.child("volumeClaimTemplate"));
  check_claim_template(errors, at.child("volumeClaimTemplate"), *source.volume_claim_template);
}

void check_image(FieldErrors& errors, const FieldPath& at,
                 const corev1::ImageVolumeSource& source) {
  if (source.reference.empty()) errors.required(at.child("reference"));
  if (source.pull_policy != "Always" && source.pull_policy != "IfNotPresent" &&
      source.pull_policy != "Never") {
    errors.not_supported(at.child("pullPolicy"), source.pull_policy,
                         {"Always", "IfNotPresent", "Never"});
  }
}

}  // namespace

void check_csi_driver_name(FieldErrors& errors, const FieldPath& at, std::string_view name) {
  if (name.empty()) errors.required(at);
  if (name.size() > 63) errors.too_long(at, 63);
  if (!name.empty()) errors.invalid_each(at, name, dns1123_subdomain(lower(name)));
}

void check_host_path(FieldErrors& errors, const FieldPath& at,
                     const corev1::HostPathVolumeSource& source) {
  if (source.path.empty()) return errors.required(at.child("path"));
  check_no_backsteps(errors, at.child("path"), source.path);
  if (!source.type) return;
  static const std::vector<std::string> kTypes = {
      "",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
      "File", "FileOrCreate", "Socket"};
  if (!contains(kTypes, *source.type)) {
    errors.not_supported(at.child("type"), *source.type,
                         {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File",
                          "FileOrCreate", "Socket"});
  }
}

void check_nfs(FieldErrors& errors, const FieldPath& at, const corev1::NFSVolumeSource& source) {
  if (source.server.empty()) errors.required(at.child("server"));
  if (source.path.empty()) errors.required(at.child("path"));
  if (!source.path.starts_with('/'))
    errors.invalid(at.child("path"), source.path, "must be an absolute path");
}

void check_fibre_channel(FieldErrors& errors, const FieldPath& at,
                         const corev1::FCVolumeSource& source) {
  if (source.target_wwns.empty() && source.wwids.empty()) {
    errors.required(at.child("targetWWNs"),
                    "must specify either targetWWNs or wwids, but not both");
  }
  if (!source.target_wwns.empty() && !source.wwids.empty()) {
    errors.invalid(at.child("targetWWNs"), source.target_wwns,
                   "targetWWNs and wwids can not be specified simultaneously");
  }
  if (source.target_wwns.empty()) return;
  if (!source.lun) {
    errors.required(at.child("lun"), "lun is required if targetWWNs is specified");
  } else if (*source.lun < 0 || *source.lun > 255) {
    errors.invalid(at.child("lun"), source.lun, "must be between 0 and 255, inclusive");
  }
}

void check_gce_disk(FieldErrors& errors, const FieldPath& at,
                    const corev1::GCEPersistentDiskVolumeSource& source) {
  if (source.pd_name.empty()) errors.required(at.child("pdName"));
  if (source.partition < 0 || source.partition > 255) {
    errors.invalid(at.child("partition"), source.partition, "must be between 0 and 255, inclusive");
  }
}

void check_aws_store(FieldErrors& errors, const FieldPath& at,
                     const corev1::AWSElasticBlockStoreVolumeSource& source) {
  if (source.volume_id.empty()) errors.required(at.child("volumeID"));
  if (source.partition < 0 || source.partition > 255) {
    errors.invalid(at.child("partition"), source.partition, "must be between 0 and 255, inclusive");
  }
}

void check_flocker(FieldErrors& errors, const FieldPath& at,
                   const corev1::FlockerVolumeSource& source) {
  if (source.dataset_name.empty() && source.dataset_uuid.empty()) {
    errors.required(at, "one of datasetName and datasetUUID is required");
  }
  if (!source.dataset_name.empty() && !source.dataset_uuid.empty()) {
    errors.invalid(at, "resource",
                   "datasetName and datasetUUID can not be specified simultaneously");
  }
  if (source.dataset_name.find('/') != std::string::npos) {
    errors.invalid(at.child("datasetName"), source.dataset_name, "must not contain '/'");
  }
}

void check_vsphere(FieldErrors& errors, const FieldPath& at,
                   const corev1::VsphereVirtualDiskVolumeSource& source) {
  if (source.volume_path.empty()) errors.required(at.child("volumePath"));
}

void check_quobyte(FieldErrors& errors, const FieldPath& at,
                   const corev1::QuobyteVolumeSource& source) {
  if (source.registry.empty())
    errors.required(at.child("registry"),
                    "must be a host:port pair or multiple pairs separated by commas");
  if (source.volume.empty()) errors.required(at.child("volume"));
}

void check_azure_disk(FieldErrors& errors, const FieldPath& at,
                      const corev1::AzureDiskVolumeSource& source) {
  if (source.disk_name.empty()) errors.required(at.child("diskName"));
  if (source.disk_uri.empty()) errors.required(at.child("diskURI"));
}

void check_photon(FieldErrors& errors, const FieldPath& at,
                  const corev1::PhotonPersistentDiskVolumeSource& source) {
  if (source.pd_id.empty()) errors.required(at.child("pdID"));
}

void check_portworx(FieldErrors& errors, const FieldPath& at,
                    const corev1::PortworxVolumeSource& source) {
  if (source.volume_id.empty()) errors.required(at.child("volumeID"));
}

void check_volume_source(FieldErrors& errors, const FieldPath& at, const corev1::Volume& volume) {
  const corev1::VolumeSource& source = volume.volume_source;
  OneSource one(errors, at);
  one.take("emptyDir", source.empty_dir, check_empty_dir);
  one.take("hostPath", source.host_path, check_host_path);
  one.take("gitRepo", source.git_repo, check_git_repo);
  one.take("gcePersistentDisk", source.gce_persistent_disk, check_gce_disk);
  one.take("awsElasticBlockStore", source.aws_elastic_block_store, check_aws_store);
  one.take("secret", source.secret, check_secret);
  one.take("nfs", source.nfs, check_nfs);
  one.take("iscsi", source.iscsi, check_iscsi<corev1::ISCSIVolumeSource>);
  one.take("glusterfs", source.glusterfs, check_glusterfs<corev1::GlusterfsVolumeSource>);
  one.take("flocker", source.flocker, check_flocker);
  one.take("persistentVolumeClaim", source.persistent_volume_claim, check_claim);
  one.take("rbd", source.rbd, check_rbd<corev1::RBDVolumeSource>);
  one.take("cinder", source.cinder, check_cinder<corev1::CinderVolumeSource>);
  one.take("cephFS", source.cephfs, check_cephfs<corev1::CephFSVolumeSource>);
  one.take("quobyte", source.quobyte, check_quobyte);
  one.take("downwardAPI", source.downward_api, check_downward);
  one.take("fc", source.fc, check_fibre_channel);
  one.take("flexVolume", source.flex_volume, check_flex<corev1::FlexVolumeSource>);
  one.take("configMap", source.config_map, check_config_map);
  one.take("azureFile", source.azure_file, check_azure_file<corev1::AzureFileVolumeSource>);
  one.take("vsphereVolume", source.vsphere_volume, check_vsphere);
  one.take("photonPersistentDisk", source.photon_persistent_disk, check_photon);
  one.take("portworxVolume", source.portworx_volume, check_portworx);
  one.take("azureDisk", source.azure_disk, check_azure_disk);
  one.take("storageos", source.storageos, check_storage_os);
  one.take("projected", source.projected, check_projected);
  one.take("scaleIO", source.scale_io, check_scale_io<corev1::ScaleIOVolumeSource>);
  one.take("csi", source.csi, check_csi);
  one.take("ephemeral", source.ephemeral, check_ephemeral);
  one.take("image", source.image, check_image);
  one.finish();
}

}  // namespace kpp::validation
