// ConfigMap, Secret and ServiceAccount.
#include <array>
#include <set>

#include "codec/json.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

constexpr std::size_t kDataBytes = 1024UL * 1024;
constexpr std::string_view kSealed = "field is immutable when `immutable` is set";

template <class Object>
void check_sealed(FieldErrors& errors, const Object& now, const Object& old) {
  if (!old.immutable.value_or(false)) return;
  if (!now.immutable.value_or(false)) errors.forbidden(FieldPath("immutable"), kSealed);
  if (now.data != old.data) errors.forbidden(FieldPath("data"), kSealed);
}

void need_keys(FieldErrors& errors, const corev1::Secret& secret,
               std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys) {
    if (!secret.data.contains(std::string(key))) errors.required(FieldPath("data").key(key));
  }
}

void check_docker_config(FieldErrors& errors, const corev1::Secret& secret, std::string_view key) {
  const FieldPath at = FieldPath("data").key(key);
  const auto found = secret.data.find(std::string(key));
  if (found == secret.data.end()) return errors.required(at);
  const auto parsed = json::parse(found->second);
  if (!parsed) errors.invalid(at, "<secret contents redacted>", parsed.error().message());
}

void check_type(FieldErrors& errors, const corev1::Secret& secret) {
  const std::string& type = secret.type;
  if (type == "kubernetes.io/service-account-token") {
    const auto found = secret.metadata.annotations.find("kubernetes.io/service-account.name");
    if (found == secret.metadata.annotations.end() || found->second.empty()) {
      errors.required(
          FieldPath("metadata").child("annotations").key("kubernetes.io/service-account.name"));
    }
  } else if (type == "kubernetes.io/dockercfg") {
    check_docker_config(errors, secret, ".dockercfg");
  } else if (type == "kubernetes.io/dockerconfigjson") {
    check_docker_config(errors, secret, ".dockerconfigjson");
  } else if (type == "kubernetes.io/basic-auth") {
    if (!secret.data.contains("username") && !secret.data.contains("password")) {
      errors.required(FieldPath("data").key("username"));
      errors.required(FieldPath("data").key("password"));
    }
  } else if (type == "kubernetes.io/ssh-auth") {
    const auto found = secret.data.find("ssh-privatekey");
    if (found == secret.data.end() || found->second.empty())
      errors.required(FieldPath("data").key("ssh-privatekey"));
  } else if (type == "kubernetes.io/tls") {
    need_keys(errors, secret, {"tls.crt", "tls.key"});
  }
}

}  // namespace

void validate(FieldErrors& errors, const corev1::ConfigMap& map, const Context&) {
  check_metadata(errors, map.metadata, true, subdomain_name);
  std::size_t bytes = 0;
  for (const auto& [key, value] : map.data) {
    errors.invalid_each(FieldPath("data").key(key), key, config_key(key));
    if (map.binary_data.contains(key)) {
      errors.invalid(FieldPath("data").key(key), key, "duplicate of key present in binaryData");
    }
    bytes += value.size();
  }
  for (const auto& [key, value] : map.binary_data) {
    errors.invalid_each(FieldPath("binaryData").key(key), key, config_key(key));
    bytes += value.size();
  }
  if (bytes > kDataBytes) errors.too_long(FieldPath(""), kDataBytes);
}

void validate_change(FieldErrors& errors, const corev1::ConfigMap& map,
                     const corev1::ConfigMap& old, const Context& context) {
  check_metadata_update(errors, map.metadata, old.metadata);
  check_sealed(errors, map, old);
  if (old.immutable.value_or(false) && map.binary_data != old.binary_data)
    errors.forbidden(FieldPath("binaryData"), kSealed);
  validate(errors, map, context);
}

void validate(FieldErrors& errors, const corev1::Secret& secret, const Context&) {
  check_metadata(errors, secret.metadata, true, subdomain_name);
  std::size_t bytes = 0;
  for (const auto& [key, value] : secret.data) {
    errors.invalid_each(FieldPath("data").key(key), key, config_key(key));
    bytes += value.size();
  }
  if (bytes > kDataBytes) errors.too_long(FieldPath("data"), kDataBytes);
  check_type(errors, secret);
}

void validate_change(FieldErrors& errors, const corev1::Secret& secret, const corev1::Secret& old,
                     const Context& context) {
  check_metadata_update(errors, secret.metadata, old.metadata);
  check_immutable(errors, FieldPath("type"), secret.type, old.type);
  check_sealed(errors, secret, old);
  validate(errors, secret, context);
}

void validate(FieldErrors& errors, const corev1::ServiceAccount& account, const Context&) {
  check_metadata(errors, account.metadata, true, subdomain_name);
}

}  // namespace kpp::validation
