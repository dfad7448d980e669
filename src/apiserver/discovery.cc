#include "apiserver/discovery.h"

#include <algorithm>

#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/negotiation.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

// The order in which groups are listed; their versions follow by preference.
constexpr std::string_view kGroupOrder[] = {"apiregistration.k8s.io",
                                            "apps",
                                            "events.k8s.io",
                                            "authentication.k8s.io",
                                            "authorization.k8s.io",
                                            "autoscaling",
                                            "batch",
                                            "certificates.k8s.io",
                                            "networking.k8s.io",
                                            "policy",
                                            "rbac.authorization.k8s.io",
                                            "storage.k8s.io",
                                            "admissionregistration.k8s.io",
                                            "apiextensions.k8s.io",
                                            "scheduling.k8s.io",
                                            "coordination.k8s.io",
                                            "node.k8s.io",
                                            "discovery.k8s.io",
                                            "resource.k8s.io",
                                            "flowcontrol.apiserver.k8s.io"};

std::string string_array(std::string_view comma_separated) {
  std::string out = "[";
  while (!comma_separated.empty()) {
    const auto comma = comma_separated.find(',');
    if (out.size() > 1) out += ',';
    out += quoted(comma_separated.substr(0, comma));
    if (comma == std::string_view::npos) break;
    comma_separated.remove_prefix(comma + 1);
  }
  return out + "]";
}

std::string string_array(std::span<const std::string_view> items) {
  std::string out = "[";
  for (const auto item : items) out += cat(out.size() > 1 ? "," : "", quoted(item));
  return out + "]";
}

std::string resource_entries(const ServedResource& r) {
  const auto& d = *r.desc;
  std::string out = cat("{\"name\":", quoted(d.plural), ",\"singularName\":", quoted(d.singular),
                        ",\"namespaced\":", d.namespaced, ",\"kind\":", quoted(r.kind()),
                        ",\"verbs\":", string_array(d.verbs));
  if (!d.short_names.empty()) out += cat(",\"shortNames\":", string_array(d.short_names));
  if (!d.categories.empty()) out += cat(",\"categories\":", string_array(d.categories));
  if (!d.storage_version_hash.empty())
    out += cat(",\"storageVersionHash\":", quoted(d.storage_version_hash));
  out += '}';
  for (const auto& sub : d.subresources) {
    out += cat(",{\"name\":", quoted(cat(d.plural, "/", sub.name)),
               ",\"singularName\":\"\",\"namespaced\":", d.namespaced);
    const bool other_group =
        !sub.kind_version.empty() && (sub.kind_group != r.group || sub.kind_version != r.version);
    if (other_group) {
      if (!sub.kind_group.empty()) out += cat(",\"group\":", quoted(sub.kind_group));
      out += cat(",\"version\":", quoted(sub.kind_version));
    }
    out += cat(",\"kind\":", quoted(sub.kind.empty() ? r.kind() : sub.kind),
               ",\"verbs\":", string_array(sub.verbs), "}");
  }
  return out;
}

std::string aggregated_resource(const ServedResource& r) {
  const auto& d = *r.desc;
  const auto kind = [&](std::string_view group, std::string_view version, std::string_view name) {
    const bool own = group == r.group && version == r.version;
    return cat("{\"group\":", quoted(own ? "" : group), ",\"version\":", quoted(own ? "" : version),
               ",\"kind\":", quoted(name), "}");
  };
  std::string out = cat(
      "{\"resource\":", quoted(d.plural), ",\"responseKind\":", kind(r.group, r.version, r.kind()),
      ",\"scope\":", d.namespaced ? "\"Namespaced\"" : "\"Cluster\"",
      ",\"singularResource\":", quoted(d.singular), ",\"verbs\":", string_array(d.verbs));
  if (!d.short_names.empty()) out += cat(",\"shortNames\":", string_array(d.short_names));
  if (!d.categories.empty()) out += cat(",\"categories\":", string_array(d.categories));
  if (!d.subresources.empty()) {
    out += ",\"subresources\":[";
    bool first = true;
    for (const auto& sub : d.subresources) {
      if (!first) out += ',';
      first = false;
      const bool has_version = !sub.kind_version.empty();
      out += cat("{\"subresource\":", quoted(sub.name), ",\"responseKind\":",
                 kind(has_version ? sub.kind_group : std::string_view(r.group),
                      has_version ? sub.kind_version : std::string_view(r.version),
                      sub.kind.empty() ? r.kind() : sub.kind),
                 ",\"verbs\":", string_array(sub.verbs), "}");
    }
    out += ']';
  }
  return out + "}";
}

std::vector<std::string> versions_of(const ResourceTable& table, std::string_view group) {
  std::vector<std::string> out;
  for (const auto& r : table.all()) {
    if (r->group == group && std::find(out.begin(), out.end(), r->version) == out.end())
      out.push_back(r->version);
  }
  std::sort(out.rbegin(), out.rend());  // v2 before v1
  return out;
}

template <class F>
std::string resource_list(const ResourceTable& table, std::string_view group,
                          std::string_view version, F write) {
  std::string out;
  for (const auto& r : table.all()) {
    if (r->group != group || r->version != version) continue;
    if (!out.empty()) out += ',';
    out += write(*r);
  }
  return out;
}

std::string group_body(std::string_view group, const std::vector<std::string>& versions) {
  std::string list;
  for (const auto& v : versions) {
    list += cat(list.empty() ? "" : ",", "{\"groupVersion\":", quoted(cat(group, "/", v)),
                ",\"version\":", quoted(v), "}");
  }
  return cat("\"name\":", quoted(group), ",\"versions\":[", list,
             "],\"preferredVersion\":{\"groupVersion\":", quoted(cat(group, "/", versions.front())),
             ",\"version\":", quoted(versions.front()), "}}");
}

std::string aggregated_group(const ResourceTable& table, std::string_view group) {
  std::string versions;
  for (const auto& v : versions_of(table, group)) {
    versions +=
        cat(versions.empty() ? "" : ",", "{\"version\":", quoted(v), ",\"resources\":[",
            resource_list(table, group, v, aggregated_resource), "],\"freshness\":\"Current\"}");
  }
  const std::string metadata = group.empty() ? "{}" : cat("{\"name\":", quoted(group), "}");
  return cat("{\"metadata\":", metadata, ",\"versions\":[", versions, "]}");
}

}  // namespace

Discovery::Discovery(const ResourceTable& table, std::string server_address) : table_(table) {
  documents_["/api"] = cat(
      R"({"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":)",
      quoted(server_address), "}]}");
  std::string groups;
  std::string aggregated;
  for (const auto group : kGroupOrder) {
    const auto versions = versions_of(table, group);
    if (versions.empty()) continue;
    groups += cat(groups.empty() ? "{" : ",{", group_body(group, versions));
    aggregated += cat(aggregated.empty() ? "" : ",", aggregated_group(table, group));
    documents_[cat("/apis/", group)] =
        cat("{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",", group_body(group, versions));
    for (const auto& version : versions) {
      documents_[cat("/apis/", group, "/", version)] =
          cat("{\"kind\":\"APIResourceList\",\"apiVersion\":\"v1\",\"groupVersion\":",
              quoted(cat(group, "/", version)), ",\"resources\":[",
              resource_list(table, group, version, resource_entries), "]}");
    }
  }
  documents_["/apis"] =
      cat("{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[", groups, "]}");
  documents_["/api/v1"] =
      cat("{\"kind\":\"APIResourceList\",\"groupVersion\":\"v1\",\"resources\":[",
          resource_list(table, "", "v1", resource_entries), "]}");
  const auto wrap = [](const std::string& items) {
    return cat(
        R"({"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[)",
        items, "]}");
  };
  aggregated_core_ = wrap(aggregated_group(table, ""));
  aggregated_groups_ = wrap(aggregated);
}

net::Response Discovery::respond(const net::Request& request, const net::Query& query,
                                 const std::string& body, const std::string* aggregated) const {
  const std::string_view accept_header = request.headers.get("Accept");
  if (aggregated != nullptr) {
    for (const auto& entry : parse_accept(accept_header)) {
      if (entry.as.empty()) break;
      if (entry.as == "APIGroupDiscoveryList" && entry.group == "apidiscovery.k8s.io" &&
          entry.version == "v2" && entry.type == "application/json") {
        return net::Response::text(
            200, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            *aggregated + "\n");
      }
    }
  }
  auto accept = negotiate(request.headers, query, false);
  if (!accept) {
    // /apis words it as the negotiation of objects does.
    if (request.path.starts_with("/apis") && request.path.find('/', 6) == std::string::npos) {
      return respond_status(
          Status(Reason::kNotAcceptable,
                 "only the following media types are accepted: application/json, application/yaml, "
                 "application/vnd.kubernetes.protobuf"));
    }
    return respond_status(accept.error());
  }
  if (accept->media == MediaType::kYaml || accept->pretty) {
    const auto document = json::parse(body);
    if (document) {
      return net::Response::text(200, accept->content_type(),
                                 accept->media == MediaType::kYaml
                                     ? yaml::write(*document)
                                     : json::write_pretty(*document) + "\n");
    }
  }
  return net::Response::text(200, "application/json", body + "\n");
}

// A path where a version of a served group would stand: /api/<version>, /apis/<group>/<version>.
bool Discovery::is_version_root(std::string_view path) const {
  const std::string parent(path.substr(0, path.rfind('/')));
  if (parent == "/api") return true;
  return parent.starts_with("/apis/") && std::count(parent.begin(), parent.end(), '/') == 2 &&
         documents_.contains(parent);
}

std::optional<net::Response> Discovery::answer(const net::Request& request,
                                               const net::Query& query) const {
  std::string path = request.path;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const auto it = documents_.find(path);
  if (it == documents_.end()) {
    if (is_version_root(path)) return respond_status(no_such_resource());
    return std::nullopt;
  }
  const bool group_root = path == "/apis" || path.starts_with("/apis/");
  if (request.method != "GET" && request.method != "HEAD" && path != "/apis" &&
      !(group_root && std::count(path.begin(), path.end(), '/') == 2)) {
    return respond_status(method_not_allowed());
  }
  const std::string* aggregated = path == "/api"    ? &aggregated_core_
                                  : path == "/apis" ? &aggregated_groups_
                                                    : nullptr;
  return respond(request, query, it->second, aggregated);
}

}  // namespace kpp::apiserver
