#include "apiserver/request_info.h"

#include <vector>

namespace kpp::apiserver {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    if (!part.empty()) out.push_back(part);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool truthy(const std::string* value) {
  return value != nullptr && *value != "0" && *value != "false" && *value != "False" &&
         *value != "FALSE";
}

std::string resource_verb(std::string_view method, const RequestInfo& info,
                          const net::Query& query) {
  if (method == "POST") return "create";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return info.name.empty() ? "deletecollection" : "delete";
  if (method == "GET" || method == "HEAD") {
    if (!info.name.empty()) return "get";
    return truthy(query.find("watch")) ? "watch" : "list";
  }
  return lower(method);
}

}  // namespace

RequestInfo parse_request_info(std::string_view method, std::string_view path,
                               const net::Query& query) {
  RequestInfo info;
  info.verb = lower(method);
  const auto parts = split(path);
  std::size_t at = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    info.version = parts[1];
    at = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    info.group = parts[1];
    info.version = parts[2];
    at = 3;
  } else {
    return info;
  }
  info.is_resource = true;
  // The old way to say ?watch=1.
  const bool watch_path = parts[at] == "watch" && parts.size() > at + 1;
  if (watch_path) ++at;
  if (parts[at] == "namespaces") {
    if (parts.size() > at + 1) {
      info.namespace_ = parts[at + 1];
      const bool own_subresource =
          parts.size() > at + 2 && (parts[at + 2] == "status" || parts[at + 2] == "finalize");
      if (parts.size() > at + 2 && !own_subresource) at += 2;
    }
  }
  info.resource = parts[at];
  if (parts.size() > at + 1) info.name = parts[at + 1];
  if (parts.size() > at + 2) info.subresource = parts[at + 2];
  for (std::size_t i = at + 3; i < parts.size(); ++i) {
    info.rest += '/';
    info.rest += parts[i];
  }
  info.verb = watch_path && method == "GET" ? "watch" : resource_verb(method, info, query);
  return info;
}

}  // namespace kpp::apiserver
