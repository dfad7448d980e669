// Asking an API server without a network: requests of an administrator, and what was answered.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "apiserver/api_server.h"
#include "codec/json.h"
#include "store/testing/pump_executor.h"

namespace kpp::apiserver::testing {

struct Answer {
  int status = 0;
  net::Headers headers;
  std::string body;
  json::Value document;
  // "/spec/clusterIP" of the document as text; "" if it is not there.
  std::string at(std::string_view pointer) const {
    boost::system::error_code error;
    const auto* found = document.find_pointer({pointer.data(), pointer.size()}, error);
    if (found == nullptr) return "";
    return found->is_string() ? std::string(found->as_string()) : json::write(*found);
  }
};

// Of a response without a stream.
inline Answer answer_of(const net::Response& response) {
  Answer out{response.status, response.headers, response.body_text(), {}};
  if (auto document = json::parse(out.body)) out.document = std::move(*document);
  return out;
}

inline net::Request admin_request(std::string method, std::string path, std::string body = "",
                                  std::string type = "application/json") {
  net::Request out;
  out.method = std::move(method);
  const auto query = path.find('?');
  if (query != std::string::npos) out.query = path.substr(query + 1);
  out.path = path.substr(0, query);
  out.body = std::move(body);
  out.headers.add("Content-Type", std::move(type));
  out.peer_certificate = net::PeerCertificate{"admin", {"system:masters"}, true};
  return out;
}

// A server that runs; its end is the caller's.
inline std::unique_ptr<ApiServer> start_server(store::testing::PumpExecutor& executor,
                                               store::Store& store, LogSink& sink,
                                               ApiServerOptions options) {
  auto server = ApiServer::make(executor.io(), store, Logger(sink, "test"), std::move(options));
  EXPECT_TRUE(server) << server.error().to_string();
  const Status started = executor.run((*server)->start({}));
  EXPECT_TRUE(started.ok()) << started.to_string();
  return std::move(*server);
}

}  // namespace kpp::apiserver::testing
