// OpenAPI documents, made from the schema when they are first asked for.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apiserver/resources.h"
#include "base/clock.h"
#include "net/http.h"

namespace kpp::apiserver {

// Answers /openapi/v2, /openapi/v3 and /openapi/v3/<group version>.
//
// Guarantees: an answer has an ETag, 304 where the client has it already, and is compressed where
// the client takes that. Runs on: the server's executor.
class OpenApi {
 public:
  explicit OpenApi(const ResourceTable& table) : table_(table) {}
  ~OpenApi();
  // nullopt: no such document.
  std::optional<net::Response> answer(const net::Request& request, WallTime now);

 private:
  struct Document;
  using DocumentRef = std::shared_ptr<Document>;
  std::optional<net::Response> v2(const net::Request& request);
  std::optional<net::Response> v3(const net::Request& request, const std::string& name,
                                  WallTime now);
  DocumentRef v3_index();
  DocumentRef v3_document(const std::string& name);  // nullptr: there is none

  const ResourceTable& table_;
  std::map<std::string, DocumentRef> v3_;  // by "api/v1", "apis/apps/v1"; those that were asked for
  DocumentRef v3_index_, v2_json_, v2_proto_;
};

}  // namespace kpp::apiserver
