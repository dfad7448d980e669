// A whole API server over a store of its own, asked without a network.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "apiserver/testing/asking.h"
#include "store/sqlite/sqlite_store.h"
#include "store/testing/temporary_directory.h"

namespace kpp::apiserver::testing {

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
    server_ = start_server(executor_, *store_, sink_, std::move(options));
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
    return answer_of(executor_.run(server_->handle(
        admin_request(std::move(method), std::move(path), std::move(body), std::move(type)), {})));
  }

  // A GET of somebody who reads one media type.
  Answer get_as(std::string accept, std::string path) {
    net::Request request = admin_request("GET", std::move(path));
    request.headers.add("Accept", std::move(accept));
    return answer_of(executor_.run(server_->handle(std::move(request), {})));
  }

 private:
  store::testing::TemporaryDirectory directory_;
  LogSink sink_{STDERR_FILENO};
  store::testing::PumpExecutor executor_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ApiServer> server_;
};

}  // namespace kpp::apiserver::testing
