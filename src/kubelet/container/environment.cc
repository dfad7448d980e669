#include "kubelet/container/environment.h"

#include <algorithm>

#include "kubelet/container/expansion.h"

namespace kpp::kubelet {
namespace {

// Values by name, in the order in which names first came up.
class Values {
 public:
  void set(const std::string& name, std::string value) {
    const auto [it, added] = index_.try_emplace(name, list_.size());
    if (added) {
      list_.emplace_back(name, std::move(value));
    } else {
      list_[it->second].second = std::move(value);
    }
  }
  const std::string* find(const std::string& name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? nullptr : &list_[it->second].second;
  }
  Environment take() { return std::move(list_); }

 private:
  Environment list_;
  std::map<std::string, std::size_t> index_;
};

// Printable ASCII without '='.
bool valid_name(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return c >= 0x20 && c < 0x7f && c != '='; });
}

std::string upper_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return out;
}

template <class T>
std::shared_ptr<const T> object_of(const std::map<std::string, std::shared_ptr<const T>>& objects,
                                   const std::string& name) {
  const auto it = objects.find(name);
  return it == objects.end() ? nullptr : it->second;
}

Status missing(std::string_view kind, std::string_view name) {
  return {Reason::kNotFound, cat(kind, " ", quoted(name), " not found")};
}

Status add_env_from(const EnvironmentInput& in, Values& values) {
  for (const auto& from : in.container.env_from) {
    const std::map<std::string, std::string>* data = nullptr;
    if (from.config_map_ref) {
      const auto& name = from.config_map_ref->local_object_reference.name;
      const auto object = object_of(in.objects.config_maps, name);
      if (!object) {
        if (from.config_map_ref->optional.value_or(false)) continue;
        return missing("configmap", name);
      }
      data = &object->data;
    } else if (from.secret_ref) {
      const auto& name = from.secret_ref->local_object_reference.name;
      const auto object = object_of(in.objects.secrets, name);
      if (!object) {
        if (from.secret_ref->optional.value_or(false)) continue;
        return missing("secret", name);
      }
      data = &object->data;
    }
    if (data == nullptr) continue;
    for (const auto& [key, value] : *data) {
      const std::string name = cat(from.prefix, key);
      if (valid_name(name)) values.set(name, value);
    }
  }
  return {};
}

// The value of a key reference; nullopt if it is optional and missing.
template <class T, class Selector>
Result<std::optional<std::string>> key_value(
    const std::map<std::string, std::shared_ptr<const T>>& objects, const Selector& ref,
    std::string_view resource, std::string_view kind, const std::string& namespace_) {
  const auto& name = ref.local_object_reference.name;
  const auto object = object_of(objects, name);
  const bool optional = ref.optional.value_or(false);
  if (!object) {
    if (optional) return std::nullopt;
    return fail(missing(resource, name));
  }
  if (const auto it = object->data.find(ref.key); it != object->data.end()) return it->second;
  if (optional) return std::nullopt;
  return fail(Reason::kNotFound,
              cat("couldn't find key ", ref.key, " in ", kind, " ", namespace_, "/", name));
}

Result<std::optional<std::string>> value_from(const EnvironmentInput& in,
                                              const corev1::EnvVarSource& source) {
  if (source.field_ref) {
    KPP_ASSIGN(std::string value, pod_field(in.pod, source.field_ref->field_path, in.facts));
    return value;
  }
  if (source.resource_field_ref) {
    KPP_ASSIGN(std::string value,
               container_resource(in.pod, *source.resource_field_ref, in.container.name, in.facts));
    return value;
  }
  const std::string& ns = in.pod.metadata.namespace_;
  if (source.config_map_key_ref) {
    return key_value(in.objects.config_maps, *source.config_map_key_ref, "configmap", "ConfigMap",
                     ns);
  }
  if (source.secret_key_ref)
    return key_value(in.objects.secrets, *source.secret_key_ref, "secret", "Secret", ns);
  return fail(Reason::kInvalid,
              "environment variables from files (fileKeyRef) are not supported by this kubelet");
}

std::map<std::string, std::string> services_of_pod(const EnvironmentInput& in) {
  std::map<std::string, std::string> out;
  const bool links = in.pod.spec.enable_service_links.value_or(true);
  std::map<std::string, std::shared_ptr<const corev1::Service>> chosen;
  for (const auto& service : in.services) {
    const auto& ip = service->spec.cluster_ip;
    if (ip.empty() || ip == "None") continue;
    const auto& meta = service->metadata;
    if (meta.namespace_ == in.master_service_namespace && meta.name == "kubernetes") {
      chosen.try_emplace(meta.name, service);
    }
    if (links && meta.namespace_ == in.pod.metadata.namespace_) chosen[meta.name] = service;
  }
  for (const auto& [name, service] : chosen) {
    for (auto& [key, value] : service_environment(*service)) out[key] = std::move(value);
  }
  return out;
}

}  // namespace

Environment service_environment(const corev1::Service& service) {
  Environment out;
  const std::string prefix = upper_name(service.metadata.name);
  const std::string& ip = service.spec.cluster_ip;
  const std::string host = ip.find(':') == std::string::npos ? ip : cat("[", ip, "]");
  const auto& ports = service.spec.ports;
  if (ports.empty()) return out;
  out.emplace_back(cat(prefix, "_SERVICE_HOST"), ip);
  out.emplace_back(cat(prefix, "_SERVICE_PORT"), cat(ports.front().port));
  for (const auto& port : ports) {
    if (!port.name.empty())
      out.emplace_back(cat(prefix, "_SERVICE_PORT_", upper_name(port.name)), cat(port.port));
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto& port = ports[i];
    std::string protocol = port.protocol.empty() ? "TCP" : port.protocol;
    std::string lower = protocol;
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    const std::string url = cat(lower, "://", host, ":", port.port);
    if (i == 0) out.emplace_back(cat(prefix, "_PORT"), url);
    const std::string base = cat(prefix, "_PORT_", port.port, "_", protocol);
    out.emplace_back(base, url);
    out.emplace_back(cat(base, "_PROTO"), lower);
    out.emplace_back(cat(base, "_PORT"), cat(port.port));
    out.emplace_back(cat(base, "_ADDR"), ip);
  }
  return out;
}

Result<Environment> make_environment(const EnvironmentInput& in) {
  std::map<std::string, std::string> services = services_of_pod(in);
  Values values;
  KPP_RETURN_IF_ERROR(add_env_from(in, values));
  const Lookup lookup = [&](const std::string& name) -> std::optional<std::string> {
    if (const auto* value = values.find(name)) return *value;
    if (const auto it = services.find(name); it != services.end()) return it->second;
    return std::nullopt;
  };
  for (const auto& variable : in.container.env) {
    if (variable.value_from) {
      KPP_ASSIGN(auto value, value_from(in, *variable.value_from));
      if (!value) continue;
      values.set(variable.name, std::move(*value));
    } else {
      values.set(variable.name, expand(variable.value, lookup));
    }
  }
  Values out = std::move(values);
  for (auto& [name, value] : services) {
    if (out.find(name) == nullptr) out.set(name, std::move(value));
  }
  return out.take();
}

void collect_references(const corev1::Container& container, std::vector<std::string>& config_maps,
                        std::vector<std::string>& secrets) {
  for (const auto& from : container.env_from) {
    if (from.config_map_ref)
      config_maps.push_back(from.config_map_ref->local_object_reference.name);
    if (from.secret_ref) secrets.push_back(from.secret_ref->local_object_reference.name);
  }
  for (const auto& variable : container.env) {
    if (!variable.value_from) continue;
    const auto& source = *variable.value_from;
    if (source.config_map_key_ref)
      config_maps.push_back(source.config_map_key_ref->local_object_reference.name);
    if (source.secret_key_ref)
      secrets.push_back(source.secret_key_ref->local_object_reference.name);
  }
}

}  // namespace kpp::kubelet
