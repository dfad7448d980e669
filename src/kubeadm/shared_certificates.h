// What a second control plane must have of the first: authorities and keys, sent by way of a Secret
// that only the holder of the certificate key reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "codec/json.h"
#include "kubeadm/config.h"

namespace kpp::kubeadm {

inline constexpr std::string_view kCertificatesSecret = "kubeadm-certs";

// AES-256-GCM, the nonce in front; `key` is 64 hexadecimal digits (`kubeadm certs
// certificate-key`). Errors: kInvalid for a key of another form; for decrypt() also for bytes that
// this key did not make.
Result<std::string> encrypt(std::string_view key, std::string_view text);
Result<std::string> decrypt(std::string_view key, std::string_view bytes);

// The files below the certificates' directory that control planes share.
std::vector<std::string> shared_files(const ClusterConfig& config);

// The Secret with the files, and the role that lets joining machines get it. `owner_uid` is of the
// bootstrap token's Secret that takes the certificates with it when it ends.
Result<std::vector<json::Object>> shared_objects(const ClusterConfig& config, std::string_view key,
                                                 std::string_view owner_name,
                                                 std::string_view owner_uid);
// Writes the files of the Secret. kNotFound names one that it lacks.
Status save_shared(const json::Value& secret, std::string_view key, const ClusterConfig& config);

}  // namespace kpp::kubeadm
