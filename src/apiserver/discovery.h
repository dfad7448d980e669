// Discovery documents: which groups, versions and resources there are.
#pragma once

#include <optional>

#include "apiserver/resources.h"
#include "net/http.h"

namespace kpp::apiserver {

// Answers /api, /apis, /api/v1, /apis/<group>, /apis/<group>/<version> and, by Accept header, the
// aggregated form (KEP-3352). nullopt: the path is none of these, and no version of a served group
// could stand there (that is 404). Built once; runs on any thread.
class Discovery {
 public:
  // server_address: host:port for /api's serverAddressByClientCIDRs.
  Discovery(const ResourceTable& table, std::string server_address);
  std::optional<net::Response> answer(const net::Request& request, const net::Query& query) const;

 private:
  bool is_version_root(std::string_view path) const;
  net::Response respond(const net::Request& request, const net::Query& query,
                        const std::string& body, const std::string* aggregated) const;

  const ResourceTable& table_;
  std::map<std::string, std::string> documents_;  // by path
  std::string aggregated_core_, aggregated_groups_;
};

}  // namespace kpp::apiserver
