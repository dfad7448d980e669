#include "kubelet/static/static_pod.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "api/defaults/defaults.h"
#include "api/json_codec.h"
#include "codec/yaml.h"
#include "validation/validate.h"

namespace kpp::kubelet {
namespace {

std::string digest(const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr unsigned int kUsed = 16;  // uids of static pods have 32 digits
  std::string out;
  for (unsigned int i = 0; i < std::min(size, kUsed); ++i) {
    out += kHex[bytes[i] >> 4];
    out += kHex[bytes[i] & 15];
  }
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return text;
}

const std::string* find(const std::map<std::string, std::string>& map, const char* key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

std::string_view reference_of(const corev1::Container& container) {
  for (const auto& from : container.env_from) {
    if (from.config_map_ref) return "configmaps";
    if (from.secret_ref) return "secrets";
  }
  for (const auto& variable : container.env) {
    if (!variable.value_from) continue;
    if (variable.value_from->config_map_key_ref) return "configmaps";
    if (variable.value_from->secret_key_ref) return "secrets";
  }
  return {};
}

// The kind of API object that the pod cannot do without; empty: none.
std::string_view reference_of(const corev1::Pod& pod) {
  if (!pod.spec.service_account_name.empty()) return "serviceaccounts";
  if (!pod.spec.image_pull_secrets.empty()) return "secrets";
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& container : *list) {
      if (const auto kind = reference_of(container); !kind.empty()) return kind;
    }
  }
  for (const auto& volume : pod.spec.volumes) {
    const auto& source = volume.volume_source;
    if (source.config_map) return "configmaps";
    if (source.secret) return "secrets";
    if (source.persistent_volume_claim || source.ephemeral) return "persistentvolumeclaims";
    if (!source.projected) continue;
    for (const auto& part : source.projected->sources) {
      if (part.config_map) return "configmaps";
      if (part.secret) return "secrets";
      if (part.service_account_token) return "serviceaccounts";
    }
  }
  return {};
}

}  // namespace

Result<corev1::Pod> static_pod(std::string_view manifest, const std::string& file,
                               const std::string& node_name, WallTime seen) {
  KPP_ASSIGN(const json::Value document, yaml::parse(manifest));
  if (!document.is_object()) return fail(Reason::kInvalid, "not a pod: the file holds no map");
  const auto& fields = document.get_object();
  const auto text_of = [&fields](std::string_view name) {
    const auto* value = fields.if_contains(name);
    return value && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  if (text_of("kind") != "Pod" || text_of("apiVersion") != "v1") {
    return fail(Reason::kInvalid, cat("invalid pod: no kind ", quoted(text_of("kind")),
                                      " of version ", quoted(text_of("apiVersion")), " expected"));
  }
  corev1::Pod pod;
  KPP_RETURN_IF_ERROR(api::from_json(document, corev1::Pod::desc(), &pod));
  if (pod.metadata.name.empty())
    return fail(Reason::kInvalid, "invalid pod: name is needed, but the pod has none");
  if (pod.metadata.uid.empty()) {
    pod.metadata.uid = digest(cat("host:", node_name, "\nfile:", file, "\n", api::to_json(pod)));
  }
  pod.metadata.name = cat(pod.metadata.name, "-", lower(node_name));
  if (pod.metadata.namespace_.empty()) pod.metadata.namespace_ = "default";
  pod.spec.node_name = node_name;
  pod.status = {};
  auto& annotations = pod.metadata.annotations;
  annotations[annotation::kConfigHash] = pod.metadata.uid;
  annotations[annotation::kConfigSource] = "file";
  annotations[annotation::kConfigSeen] = api::MicroTime::from(seen).to_string();
  corev1::Toleration everything;
  everything.operator_ = "Exists";
  everything.effect = "NoExecute";
  pod.spec.tolerations.push_back(std::move(everything));
  api::apply_defaults(pod);
  pod.status.phase = "Pending";
  const auto errors = validation::validate_create(api::Object::of(pod), {seen, false, {}});
  if (!errors.empty()) return fail(validation::to_status("Pod", "", pod.metadata.name, errors));
  if (const auto kind = reference_of(pod); !kind.empty())
    return fail(Reason::kInvalid, cat("static pods may not reference ", kind));
  return pod;
}

bool is_static(const corev1::Pod& pod) {
  const auto* source = find(pod.metadata.annotations, annotation::kConfigSource);
  return source != nullptr && *source != "api" && !is_mirror(pod);
}

bool is_mirror(const corev1::Pod& pod) {
  return find(pod.metadata.annotations, annotation::kConfigMirror) != nullptr;
}

corev1::Pod mirror_of(const corev1::Pod& pod, const std::string& node_uid) {
  corev1::Pod out = pod;
  out.metadata.uid.clear();
  out.status = {};
  out.metadata.annotations[annotation::kConfigMirror] =
      pod.metadata.annotations.at(annotation::kConfigHash);
  metav1::OwnerReference owner;
  owner.api_version = "v1";
  owner.kind = "Node";
  owner.name = pod.spec.node_name;
  owner.uid = node_uid;
  owner.controller = true;
  out.metadata.owner_references = {std::move(owner)};
  return out;
}

bool mirrors(const corev1::Pod& mirror, const corev1::Pod& pod) {
  const auto* hash = find(mirror.metadata.annotations, annotation::kConfigMirror);
  const auto* own = find(pod.metadata.annotations, annotation::kConfigHash);
  return hash && own && *hash == *own;
}

}  // namespace kpp::kubelet
