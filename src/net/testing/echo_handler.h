// For tests: a handler that tells what it was asked, streams, hangs and upgrades.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "async/wait.h"
#include "net/http.h"

// In a coroutine of a test: ends it if the condition does not hold.
#define CO_ASSERT(condition)                            \
  do {                                                  \
    if (!(condition)) {                                 \
      ADD_FAILURE() << "CO_ASSERT failed: " #condition; \
      co_return;                                        \
    }                                                   \
  } while (false)

namespace kpp::net::testing {

class EchoHandler final : public Handler {
 public:
  explicit EchoHandler(async::Executor& executor)
      : pieces(executor), hanging(executor), stopped(executor), executor_(executor) {}

  // /stream gives these, of as many bytes as the query says, if any; /hang sets `hanging` and
  // waits; both set `stopped` when they are asked to stop.
  async::Channel<std::string> pieces;
  async::Event hanging;
  async::Event stopped;
  int flooded = 0;  // pieces that /flood gave

  async::Task<Response> handle(Request request, async::StopToken stop) override {
    if (request.body_too_large) co_return Response::text(413, "text/plain", "too large");
    Response response;
    if (request.path == "/stream") {
      response.stream = std::make_unique<Pieces>(this);
      if (!request.query.empty()) response.headers.add("Content-Length", request.query);
      co_return response;
    }
    if (request.path == "/flood") {
      response.stream = std::make_unique<Flood>(this);
      co_return response;
    }
    if (request.path == "/broken") {
      response.stream = std::make_unique<Broken>();
      co_return response;
    }
    if (request.path == "/hang") {
      hanging.set();
      async::Event never(executor_);
      co_await never.wait(stop);
      stopped.set();
      co_return Response::text(503, "text/plain", "stopped");
    }
    if (request.path == "/upgrade" && request.upgradable) {
      response.status = 101;
      response.headers.add("Connection", "Upgrade");
      response.headers.add("Upgrade", std::string(request.headers.get("Upgrade")));
      response.upgraded = &EchoHandler::echo;
      co_return response;
    }
    if (request.path == "/who") {
      const auto& peer = request.peer_certificate;
      co_return Response::text(200, "text/plain",
                               peer ? cat(peer->common_name, " ", join(peer->organizations, ","),
                                          " ", peer->verified, peer->of_proxy ? " of a proxy" : "")
                                    : "nobody");
    }
    co_return Response::text(200, "text/plain",
                             cat(request.method, " ", request.path, "?", request.query, " ",
                                 request.body, " x-test=", request.headers.get("X-Test")));
  }

 private:
  async::Executor& executor_;

  struct Pieces final : BodySource {
    explicit Pieces(EchoHandler* handler) : owner(handler) {}
    async::Task<Result<SharedBytes>> next(async::StopToken stop) override {
      auto piece = co_await owner->pieces.receive(stop);
      if (stop.stop_requested()) owner->stopped.set();
      if (!piece) co_return SharedBytes();
      co_return std::make_shared<const std::string>(std::move(*piece));
    }
    EchoHandler* owner;
  };
  struct Flood final : BodySource {
    explicit Flood(EchoHandler* handler) : owner(handler) {}
    ~Flood() override { owner->stopped.set(); }
    async::Task<Result<SharedBytes>> next(async::StopToken) override {
      ++owner->flooded;
      co_return std::make_shared<const std::string>(std::string(1 << 20, 'f'));
    }
    EchoHandler* owner;
  };
  struct Broken final : BodySource {
    async::Task<Result<SharedBytes>> next(async::StopToken) override {
      if (first) {
        first = false;
        co_return std::make_shared<const std::string>("half");
      }
      co_return fail(Reason::kIo, "broken");
    }
    bool first = true;
  };

  static async::Task<void> echo(std::unique_ptr<ByteStream> stream, async::StopToken stop) {
    for (;;) {
      auto bytes = co_await stream->read(stop);
      if (!bytes || bytes->empty()) break;
      const Status written = co_await stream->write(std::move(*bytes), stop);
      if (!written.ok()) break;
    }
  }
};

}  // namespace kpp::net::testing
