#include "kubelet/credentials.h"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <map>

#include "codec/base64.h"
#include "codec/json.h"

namespace kpp::kubelet {
namespace {

struct Place {
  std::string host, port, path;
};

Place place_of(std::string_view text) {
  Place out;
  const auto slash = text.find('/');
  std::string_view authority = text.substr(0, slash);
  if (slash != std::string_view::npos) out.path = std::string(text.substr(slash + 1));
  const auto colon = authority.rfind(':');
  if (colon != std::string_view::npos) {
    out.port = std::string(authority.substr(colon + 1));
    authority = authority.substr(0, colon);
  }
  out.host = std::string(authority);
  return out;
}

// The image with the registry that is meant where none is named.
std::string full_name(std::string_view image) {
  const auto slash = image.find('/');
  const std::string_view head =
      slash == std::string_view::npos ? std::string_view() : image.substr(0, slash);
  const bool named = head.find_first_of(".:") != std::string_view::npos || head == "localhost";
  if (named) {
    if (head == "docker.io") return cat("index.docker.io", image.substr(slash));
    return std::string(image);
  }
  return cat("index.docker.io/", head.empty() ? "library/" : "", image);
}

std::string without_scheme(std::string_view entry) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (entry.starts_with(scheme)) entry.remove_prefix(scheme.size());
  }
  const auto slash = entry.find('/');
  if (slash != std::string_view::npos) {
    std::string_view path = entry.substr(slash);
    for (const std::string_view version : {"/v1", "/v2"}) {
      if (path == version || path.starts_with(cat(version, "/")))
        path.remove_prefix(version.size());
    }
    while (path.ends_with('/')) path.remove_suffix(1);
    std::string host(entry.substr(0, slash));
    if (host == "docker.io") host = "index.docker.io";
    return host + std::string(path);
  }
  return entry == "docker.io" ? "index.docker.io" : std::string(entry);
}

std::string text_of(const json::Object& entry, std::string_view name) {
  const auto* value = entry.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

cri::AuthConfig auth_of(const json::Object& entry) {
  cri::AuthConfig out;
  out.username = text_of(entry, "username");
  out.password = text_of(entry, "password");
  out.identity_token = text_of(entry, "identitytoken");
  out.registry_token = text_of(entry, "registrytoken");
  if (const std::string packed = text_of(entry, "auth"); !packed.empty()) {
    const auto both = base64_decode(packed);
    const auto colon = both ? both->find(':') : std::string::npos;
    if (colon != std::string::npos) {
      out.username = both->substr(0, colon);
      out.password = both->substr(colon + 1);
    }
  }
  return out;
}

}  // namespace

bool entry_fits(std::string_view entry, std::string_view image) {
  const Place wanted = place_of(without_scheme(entry));
  const Place has = place_of(full_name(image));
  if (wanted.port != has.port) return false;
  // A star stands for a part of a host, never for several.
  const auto dots = [](std::string_view text) { return std::ranges::count(text, '.'); };
  if (dots(wanted.host) != dots(has.host)) return false;
  if (::fnmatch(wanted.host.c_str(), has.host.c_str(), 0) != 0) return false;
  return has.path.starts_with(wanted.path);
}

std::vector<cri::AuthConfig> credentials_for(
    const std::string& image, const std::vector<std::shared_ptr<const corev1::Secret>>& secrets) {
  std::multimap<std::string, cri::AuthConfig, std::greater<>> found;
  for (const auto& secret : secrets) {
    const bool with_auths = secret->data.contains(".dockerconfigjson");
    const auto data = secret->data.find(with_auths ? ".dockerconfigjson" : ".dockercfg");
    if (data == secret->data.end()) continue;
    const auto document = json::parse(data->second);
    if (!document || !document->is_object()) continue;
    const json::Object* entries = &document->get_object();
    if (with_auths) {
      const auto* auths = entries->if_contains("auths");
      if (auths == nullptr || !auths->is_object()) continue;
      entries = &auths->get_object();
    }
    for (const auto& member : *entries) {
      const std::string name(member.key());
      if (member.value().is_object() && entry_fits(name, image))
        found.emplace(without_scheme(name), auth_of(member.value().get_object()));
    }
  }
  std::vector<cri::AuthConfig> out;
  for (auto& [name, auth] : found) out.push_back(std::move(auth));
  return out;
}

}  // namespace kpp::kubelet
