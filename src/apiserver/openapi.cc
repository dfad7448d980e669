#include "apiserver/openapi.h"

#include <set>

#include "api/openapi/openapi.h"
#include "base/cat.h"

namespace kpp::apiserver {
namespace {

net::Response respond(std::string_view type, const net::SharedBytes& body) {
  net::Response out;
  out.headers.add("Content-Type", std::string(type));
  out.body.push_back(body);
  return out;
}

net::SharedBytes shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

std::string path_of(std::string_view group, std::string_view version) {
  return group.empty() ? cat("api/", version) : cat("apis/", group, "/", version);
}

}  // namespace

std::optional<net::Response> OpenApi::answer(const net::Request& request) {
  std::string_view path = request.path;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/openapi/v2") {
    if (!v2_) v2_ = shared(api::openapi_v2());
    const std::string_view accept = request.headers.get("Accept");
    const bool only_protobuf = accept.find("proto-openapi") != std::string_view::npos &&
                               accept.find("application/json") == std::string_view::npos && accept.find("*/*") == std::string_view::npos;
    if (only_protobuf) {
      return net::Response::text(406, "text/plain; charset=utf-8", "the OpenAPI v2 document is served as application/json only\n");
    }
    return respond("application/json", v2_);
  }
  if (path == "/openapi/v3") {
    if (!v3_index_) {
      std::set<std::string> paths;
      for (const auto& r : table_.all()) paths.insert(path_of(r->group, r->version));
      std::string out = "{\"paths\":{";
      bool first = true;
      for (const auto& p : paths) {
        out += cat(first ? "" : ",", quoted(p), ":{\"serverRelativeURL\":", quoted(cat("/openapi/v3/", p)), "}");
        first = false;
      }
      v3_index_ = shared(out + "}}");
    }
    return respond("text/plain; charset=utf-8", v3_index_);
  }
  static constexpr std::string_view kRoot = "/openapi/v3/";
  if (!path.starts_with(kRoot)) return std::nullopt;
  const std::string name(path.substr(kRoot.size()));
  auto it = v3_.find(name);
  if (it == v3_.end()) {
    const ServedResource* served = nullptr;
    for (const auto& r : table_.all()) {
      if (path_of(r->group, r->version) == name) served = r.get();
    }
    if (served == nullptr) return std::nullopt;
    it = v3_.emplace(name, shared(api::openapi_v3(served->group, served->version))).first;
  }
  return respond("application/json", it->second);
}

}  // namespace kpp::apiserver
