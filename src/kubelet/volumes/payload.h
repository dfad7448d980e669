// What configMap, secret, projected and downwardAPI volumes hold.
#pragma once

#include <memory>

#include "api/corev1.h"
#include "kubelet/container/field_path.h"
#include "kubelet/volumes/atomic_directory.h"
#include "kubelet/volumes/config_objects.h"
#include "kubelet/volumes/tokens.h"

namespace kpp::kubelet {

// What payloads are made from.
struct PayloadSources {
  ConfigObjects& objects;
  Tokens& tokens;
};

bool has_payload(const corev1::VolumeSource& source);

// Errors in the original's words: configmap "x" not found; configmap references non-existent config
// key: k.
async::Task<Result<Payload>> make_payload(PayloadSources sources,
                                          std::shared_ptr<const corev1::Pod> pod,
                                          corev1::VolumeSource source, PodFacts facts,
                                          async::StopToken stop);

}  // namespace kpp::kubelet
