// What volumes are made from: the sources of pods' volumes, and those that persistent volumes share
// with them.
#pragma once

#include "api/corev1.h"
#include "validation/field_errors.h"

namespace kpp::validation {

// Checks that exactly one source is given, and that source; `at` is the path of the volume.
void check_volume_source(FieldErrors& errors, const FieldPath& at, const corev1::Volume& volume);

void check_host_path(FieldErrors& errors, const FieldPath& at,
                     const corev1::HostPathVolumeSource& source);
void check_nfs(FieldErrors& errors, const FieldPath& at, const corev1::NFSVolumeSource& source);
void check_fibre_channel(FieldErrors& errors, const FieldPath& at,
                         const corev1::FCVolumeSource& source);
void check_csi_driver_name(FieldErrors& errors, const FieldPath& at, std::string_view name);

// Counts the sources of a volume; a second one is refused.
class OneSource {
 public:
  OneSource(FieldErrors& errors, const FieldPath& at) : errors_(errors), at_(at) {}
  template <class Source, class Check>
  void take(std::string_view name, const api::Opt<Source>& source, Check check) {
    if (!source) return;
    if (++count_ > 1) {
      errors_.forbidden(at_.child(name), "may not specify more than 1 volume type");
    } else {
      check(errors_, at_.child(name), *source);
    }
  }
  void finish() {
    if (count_ == 0) errors_.required(at_, "must specify a volume type");
  }

 private:
  FieldErrors& errors_;
  const FieldPath& at_;
  int count_ = 0;
};

// Sources with one required text, shared by both kinds of volumes.
template <class Source>
void check_iscsi(FieldErrors& errors, const FieldPath& at, const Source& source) {
  if (source.target_portal.empty()) errors.required(at.child("targetPortal"));
  if (source.iqn.empty()) {
    errors.required(at.child("iqn"));
  } else if (!source.iqn.starts_with("iqn") && !source.iqn.starts_with("eui") &&
             !source.iqn.starts_with("naa")) {
    errors.invalid(at.child("iqn"), source.iqn,
                   "must be valid format starting with iqn, eui, or naa");
  }
  if (source.lun < 0 || source.lun > 255)
    errors.invalid(at.child("lun"), source.lun, "must be between 0 and 255, inclusive");
  if ((source.chap_auth_discovery || source.chap_auth_session) && !source.secret_ref)
    errors.required(at.child("secretRef"));
}
template <class Source>
void check_glusterfs(FieldErrors& errors, const FieldPath& at, const Source& source) {
  if (source.endpoints.empty()) errors.required(at.child("endpoints"));
  if (source.path.empty()) errors.required(at.child("path"));
}
template <class Source>
void check_rbd(FieldErrors& errors, const FieldPath& at, const Source& source) {
  if (source.monitors.empty()) errors.required(at.child("monitors"));
  if (source.image.empty()) errors.required(at.child("image"));
}
template <class Source>
void check_cinder(FieldErrors& errors, const FieldPath& at, const Source& source) {
  if (source.volume_id.empty()) errors.required(at.child("volumeID"));
}
template <class Source>
void check_cephfs(FieldErrors& errors, const FieldPath& at, const Source& source) {
  if (source.monitors.empty()) errors.required(at.child("monitors"));
}
template <class Source>
void check_flex(FieldErrors& errors, const FieldPath& at, const Source& source) {
  if (source.driver.empty()) errors.required(at.child("driver"));
}
template <class Source>
void check_azure_file(FieldErrors& errors, const FieldPath& at, const Source& source) {
  if (source.secret_name.empty()) errors.required(at.child("secretName"));
  if (source.share_name.empty()) errors.required(at.child("shareName"));
}
template <class Source>
void check_scale_io(FieldErrors& errors, const FieldPath& at, const Source& source) {
  if (source.gateway.empty()) errors.required(at.child("gateway"));
  if (source.system.empty()) errors.required(at.child("system"));
  if (source.volume_name.empty()) errors.required(at.child("volumeName"));
}
void check_gce_disk(FieldErrors& errors, const FieldPath& at,
                    const corev1::GCEPersistentDiskVolumeSource& source);
void check_aws_store(FieldErrors& errors, const FieldPath& at,
                     const corev1::AWSElasticBlockStoreVolumeSource& source);
void check_flocker(FieldErrors& errors, const FieldPath& at,
                   const corev1::FlockerVolumeSource& source);
void check_vsphere(FieldErrors& errors, const FieldPath& at,
                   const corev1::VsphereVirtualDiskVolumeSource& source);
void check_quobyte(FieldErrors& errors, const FieldPath& at,
                   const corev1::QuobyteVolumeSource& source);
void check_azure_disk(FieldErrors& errors, const FieldPath& at,
                      const corev1::AzureDiskVolumeSource& source);
void check_photon(FieldErrors& errors, const FieldPath& at,
                  const corev1::PhotonPersistentDiskVolumeSource& source);
void check_portworx(FieldErrors& errors, const FieldPath& at,
                    const corev1::PortworxVolumeSource& source);

}  // namespace kpp::validation
