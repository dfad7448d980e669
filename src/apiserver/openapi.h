// OpenAPI documents, made from the schema when they are first asked for.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "apiserver/resources.h"
#include "net/http.h"

namespace kpp::apiserver {

// Answers /openapi/v2, /openapi/v3 and /openapi/v3/<group version>. Runs on: the server's executor.
class OpenApi {
 public:
  explicit OpenApi(const ResourceTable& table) : table_(table) {}
  // nullopt: no such document.
  std::optional<net::Response> answer(const net::Request& request);

 private:
  const ResourceTable& table_;
  std::map<std::string, net::SharedBytes> v3_;  // by "api/v1", "apis/apps/v1"
  net::SharedBytes v3_index_, v2_;
};

}  // namespace kpp::apiserver
