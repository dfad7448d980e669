// What a request is about, read from its method and path (the RequestInfo of the Kubernetes API
// conventions).
#pragma once

#include <string>
#include <string_view>

#include "net/http.h"

namespace kpp::apiserver {

struct RequestInfo {
  bool is_resource = false;
  std::string verb;  // get, list, watch, create, update, patch, delete, deletecollection; the
                     // lower-case method otherwise
  std::string group, version;
  std::string namespace_, resource, name, subresource;
  std::string rest;  // of the path after the subresource: /proxy/<rest>
};

RequestInfo parse_request_info(std::string_view method, std::string_view path,
                               const net::Query& query);

}  // namespace kpp::apiserver
