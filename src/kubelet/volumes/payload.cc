#include "kubelet/volumes/payload.h"

#include <algorithm>

namespace kpp::kubelet {
namespace {

using Data = std::map<std::string, std::string>;

// All keys, or those that items name at the paths they give.
Status add_keys(const Data& data, const std::vector<corev1::KeyToPath>& items, std::uint32_t mode,
                bool optional, std::string_view missing_text, Payload& out) {
  if (items.empty()) {
    for (const auto& [key, value] : data) out[key] = {value, mode, std::nullopt};
    return {};
  }
  for (const auto& item : items) {
    const auto it = data.find(item.key);
    if (it == data.end()) {
      if (optional) continue;
      return {Reason::kNotFound, cat(missing_text, item.key)};
    }
    out[item.path] = {
        it->second, static_cast<std::uint32_t>(item.mode.value_or(static_cast<std::int32_t>(mode))),
        std::nullopt};
  }
  return {};
}

Data all_data(const corev1::ConfigMap& map) {
  Data out = map.data;
  for (const auto& [key, value] : map.binary_data) out[key] = value;
  return out;
}

Status add_downward(const corev1::Pod& pod, const std::vector<corev1::DownwardAPIVolumeFile>& items,
                    std::uint32_t mode, const PodFacts& facts, Payload& out) {
  for (const auto& item : items) {
    PayloadFile file;
    file.mode = static_cast<std::uint32_t>(item.mode.value_or(static_cast<std::int32_t>(mode)));
    if (item.field_ref) {
      KPP_ASSIGN(file.data, pod_field(pod, item.field_ref->field_path, facts));
    } else if (item.resource_field_ref) {
      KPP_ASSIGN(file.data, container_resource(pod, *item.resource_field_ref, "", facts));
    }
    out[item.path] = std::move(file);
  }
  return {};
}

// The user that all containers run as, if it is one.
std::optional<std::int64_t> common_user(const corev1::Pod& pod) {
  std::optional<std::int64_t> whole;
  if (pod.spec.security_context) whole = pod.spec.security_context->run_as_user;
  std::optional<std::int64_t> out;
  bool first = true;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& c : *list) {
      const auto own = c.security_context && c.security_context->run_as_user
                           ? c.security_context->run_as_user
                           : whole;
      if (!own || (!first && own != out)) return std::nullopt;
      out = own;
      first = false;
    }
  }
  return out;
}

async::Task<Status> add_config_map(ConfigObjects* objects, std::string namespace_, std::string name,
                                   std::vector<corev1::KeyToPath> items, std::uint32_t mode,
                                   bool optional, Payload* out, async::StopToken stop) {
  auto object = co_await objects->config_map(std::move(namespace_), name, std::move(stop));
  if (!object) co_return std::move(object).error();
  if (!*object) {
    if (optional) co_return Status();
    co_return Status(Reason::kNotFound, cat("configmap ", quoted(name), " not found"));
  }
  co_return add_keys(all_data(**object), items, mode, optional,
                     "configmap references non-existent config key: ", *out);
}

async::Task<Status> add_secret(ConfigObjects* objects, std::string namespace_, std::string name,
                               std::vector<corev1::KeyToPath> items, std::uint32_t mode,
                               bool optional, Payload* out, async::StopToken stop) {
  auto object = co_await objects->secret(std::move(namespace_), name, std::move(stop));
  if (!object) co_return std::move(object).error();
  if (!*object) {
    if (optional) co_return Status();
    co_return Status(Reason::kNotFound, cat("secret ", quoted(name), " not found"));
  }
  co_return add_keys((*object)->data, items, mode, optional,
                     "references non-existent secret key: ", *out);
}

async::Task<Status> add_token(Tokens* tokens, std::shared_ptr<const corev1::Pod> pod,
                              corev1::ServiceAccountTokenProjection source, std::uint32_t mode,
                              Payload* out, async::StopToken stop) {
  auto token = co_await tokens->get(pod, source.audience, source.expiration_seconds.value_or(3600),
                                    std::move(stop));
  if (!token) co_return std::move(token).error();
  PayloadFile file{std::move(*token), mode, std::nullopt};
  const bool has_group = pod->spec.security_context && pod->spec.security_context->fs_group;
  file.owner = has_group ? std::nullopt : common_user(*pod);
  if (file.owner || has_group) file.mode = 0600;
  (*out)[source.path] = std::move(file);
  co_return Status();
}

async::Task<Result<Payload>> make_projected(PayloadSources sources,
                                            std::shared_ptr<const corev1::Pod> pod,
                                            corev1::ProjectedVolumeSource source, PodFacts facts,
                                            async::StopToken stop) {
  Payload out;
  std::vector<std::string> errors;
  const auto mode = static_cast<std::uint32_t>(source.default_mode.value_or(0644));
  const std::string ns = pod->metadata.namespace_;
  for (const auto& part : source.sources) {
    Status done;
    if (part.config_map) {
      const auto& from = *part.config_map;
      done = co_await add_config_map(&sources.objects, ns, from.local_object_reference.name,
                                     from.items, mode, from.optional.value_or(false), &out, stop);
    } else if (part.secret) {
      const auto& from = *part.secret;
      done = co_await add_secret(&sources.objects, ns, from.local_object_reference.name, from.items,
                                 mode, from.optional.value_or(false), &out, stop);
    } else if (part.downward_api) {
      done = add_downward(*pod, part.downward_api->items, mode, facts, out);
    } else if (part.service_account_token) {
      done =
          co_await add_token(&sources.tokens, pod, *part.service_account_token, mode, &out, stop);
    } else {
      done = Status(Reason::kInvalid,
                    "projected volumes of trust bundles and pod certificates are not supported");
    }
    if (!done.ok()) errors.push_back(done.message());
  }
  if (errors.size() == 1) co_return fail(Reason::kNotFound, errors.front());
  if (!errors.empty()) co_return fail(Reason::kNotFound, cat("[", join(errors, ", "), "]"));
  co_return out;
}

}  // namespace

bool has_payload(const corev1::VolumeSource& source) {
  return source.config_map || source.secret || source.projected || source.downward_api;
}

async::Task<Result<Payload>> make_payload(PayloadSources sources,
                                          std::shared_ptr<const corev1::Pod> pod,
                                          corev1::VolumeSource source, PodFacts facts,
                                          async::StopToken stop) {
  if (source.projected) {
    auto projected =
        co_await make_projected(sources, pod, *source.projected, std::move(facts), std::move(stop));
    co_return projected;
  }
  Payload out;
  Status done;
  const std::string ns = pod->metadata.namespace_;
  if (source.config_map) {
    const auto& from = *source.config_map;
    done =
        co_await add_config_map(&sources.objects, ns, from.local_object_reference.name, from.items,
                                static_cast<std::uint32_t>(from.default_mode.value_or(0644)),
                                from.optional.value_or(false), &out, std::move(stop));
  } else if (source.secret) {
    const auto& from = *source.secret;
    done = co_await add_secret(&sources.objects, ns, from.secret_name, from.items,
                               static_cast<std::uint32_t>(from.default_mode.value_or(0644)),
                               from.optional.value_or(false), &out, std::move(stop));
  } else if (source.downward_api) {
    const auto mode = static_cast<std::uint32_t>(source.downward_api->default_mode.value_or(0644));
    done = add_downward(*pod, source.downward_api->items, mode, facts, out);
  }
  if (!done.ok()) co_return std::unexpected(std::move(done));
  co_return out;
}

}  // namespace kpp::kubelet
