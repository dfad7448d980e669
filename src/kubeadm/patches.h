// What a person changes in the files that kubeadm makes: TARGET[SUFFIX][+TYPE].{yaml,json} in a
// directory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "base/status.h"
#include "codec/json.h"
#include "kubeadm/printer.h"

namespace kpp::kubeadm {

enum class PatchType { kStrategic, kMerge, kJson };

struct Patch {
  std::string file;  // for errors
  PatchType type = PatchType::kStrategic;
  json::Value content;
};

// Those for a target (kube-apiserver, etcd, kubeletconfiguration, ...), in the order of their
// files' names. An empty directory name: none. Errors: kInvalid for a file of that target whose
// type or text is wrong; a directory that cannot be read is an error too.
Result<std::vector<Patch>> read_patches(const std::string& directory, std::string_view target);

// Applies the patches for a target, and says so of each. `type` is the schema for strategic
// patches; without one they merge. Errors: those of read_patches(); kInvalid names the file whose
// patch does not apply.
Result<json::Value> patched(json::Value document, const std::string& directory,
                            std::string_view target, const api::TypeDesc* type,
                            const Printer& print);

}  // namespace kpp::kubeadm
