// Volumes that a claim stands for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "async/task.h"
#include "client/client.h"

namespace kpp::kubelet {

// Where the data of a persistent volume lies, in terms of a pod's own volume sources.
struct BoundVolume {
  std::string name;             // of the PersistentVolume
  corev1::VolumeSource source;  // hostPath or nfs
  bool local = false;  // its directory is not made where it is missing, and takes the pod's group
  bool read_only = false;                      // the pod only reads it
  api::Opt<corev1::VolumeNodeAffinity> reach;  // the nodes that have it
  std::vector<std::string> mount_options;
};

// Reads the claim and what it is bound to. Errors in the words of Kubernetes, without the volume's
// name before them: the claim is not there, not bound, or bound to a volume of a kind that this
// kubelet cannot mount.
async::Task<Result<BoundVolume>> bound_volume(client::Client& client,
                                              std::shared_ptr<const corev1::Pod> pod,
                                              corev1::Volume volume, async::StopToken stop);

// Mounts an NFS export with mount(8). Blocks. The error carries what mount said.
Status mount_nfs(const corev1::NFSVolumeSource& source, const std::vector<std::string>& options,
                 const std::string& target);

}  // namespace kpp::kubelet
