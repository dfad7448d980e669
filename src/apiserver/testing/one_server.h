// A whole API server over a store of its own, asked without a network.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "apiserver/api_server.h"
#include "codec/json.h"
#include "store/sqlite/sqlite_store.h"
#include "store/testing/pump_executor.h"
#include "store/testing/temporary_directory.h"

namespace kpp::apiserver::testing {

struct Answer {
  int status = 0;
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

// Runs on: the test's thread; nothing happens but inside the calls. Whoever asks is an
// administrator.
class OneServer {
 public:
  OneServer() {
    auto store = store::open_sqlite(executor_, {.path = directory_.path()});
    EXPECT_TRUE(store) << store.error().to_string();
    store_ = std::move(*store);
    ApiServerOptions options;
    options.service_cidr = "10.96.0.0/24";
    options.hostname = "one";
    options.advertise_address = "10.0.0.1";
    auto server = ApiServer::make(executor_.io(), *store_, Logger(sink_, "test"), options);
    EXPECT_TRUE(server) << server.error().to_string();
    server_ = std::move(*server);
    const Status started = executor_.run(server_->start({}));
    EXPECT_TRUE(started.ok()) << started.to_string();
  }
  OneServer(const OneServer&) = delete;
  OneServer& operator=(const OneServer&) = delete;
  ~OneServer() {
    executor_.run(server_->stop());
    server_.reset();
    executor_.run(store_->close());
  }

  Answer call(std::string method, std::string path, std::string body = "",
              std::string type = "application/json") {
    net::Request request;
    request.method = std::move(method);
    const auto query = path.find('?');
    if (query != std::string::npos) request.query = path.substr(query + 1);
    request.path = path.substr(0, query);
    request.body = std::move(body);
    request.headers.add("Content-Type", std::move(type));
    request.peer_certificate = net::PeerCertificate{"admin", {"system:masters"}, true};
    auto begun = executor_.start(server_->handle(std::move(request), {}));
    const net::Response response = executor_.wait(begun);
    Answer out{response.status, response.body_text(), {}};
    if (auto document = json::parse(out.body)) out.document = std::move(*document);
    return out;
  }

 private:
  store::testing::TemporaryDirectory directory_;
  LogSink sink_{STDERR_FILENO};
  store::testing::PumpExecutor executor_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ApiServer> server_;
};

}  // namespace kpp::apiserver::testing
