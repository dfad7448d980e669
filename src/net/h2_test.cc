// The server over HTTP/2, driven by the gRPC client: its trailers-only answers, streams and flow
// control.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/grpc.h"
#include "net/grpc_connection.h"
#include "net/server.h"
#include "net/testing/echo_handler.h"
#include "net/testing/loopback.h"

namespace kpp::net {
namespace {

using testing::Certificates;
using testing::EchoHandler;
using testing::Loopback;

// Answers as a gRPC server does whose status stands in the headers; the body is what came,
// repeated.
class GrpcHandler final : public Handler {
 public:
  explicit GrpcHandler(async::Executor& executor)
      : hanging(executor), stopped(executor), executor_(executor) {}

  async::Event hanging;
  async::Event stopped;
  int calls = 0;

  async::Task<Response> handle(Request request, async::StopToken stop) override {
    ++calls;
    Response response;
    response.headers.add("content-type", "application/grpc");
    if (request.path == "/t.T/Hang") {
      hanging.set();
      async::Event never(executor_);
      co_await never.wait(stop);
      stopped.set();
      co_return response;
    }
    if (request.path == "/t.T/Fail") {
      response.headers.add("grpc-status", "5");
      response.headers.add("grpc-message", "no%20such thing");
      co_return response;
    }
    if (request.path == "/t.T/Page") co_return Response::text(503, "text/html", "down");
    if (request.path == "/t.T/Zip") {
      response.headers.add("grpc-status", "0");
      response.body.push_back(std::make_shared<const std::string>(std::string("\1\0\0\0\1x", 6)));
      co_return response;
    }
    response.headers.add("grpc-status", "0");
    const int times = request.path == "/t.T/Twice" ? 2 : 1;
    for (int i = 0; i < times; ++i)
      response.body.push_back(std::make_shared<const std::string>(request.body));
    co_return response;
  }

 private:
  async::Executor& executor_;
};

class GrpcTest : public ::testing::Test {
 public:
  GrpcTest()
      : handler_(loop_.executor()), server_(loop_.executor(), handler_, options(), loop_.log()) {
    port_ = server_.listen_tcp("127.0.0.1", 0, nullptr).value();
    channel_ = make_channel({});
  }

  static ServerOptions options() {
    ServerOptions out;
    out.max_body_bytes = 64u << 20;
    return out;
  }

  std::unique_ptr<GrpcChannel> make_channel(GrpcOptions o) {
    return std::make_unique<GrpcChannel>(
        loop_.executor(), Endpoint::parse(cat("tcp://127.0.0.1:", port_)).value(), o);
  }

  async::Task<GrpcResult<std::string>> call(std::string method, std::string message) {
    return channel_->unary(std::move(method), std::move(message), std::chrono::seconds(20), {});
  }

  void run(async::Task<void> test) { loop_.run(then_stop(std::move(test))); }

  Loopback loop_;
  GrpcHandler handler_;
  Server server_;
  std::uint16_t port_ = 0;
  std::unique_ptr<GrpcChannel> channel_;

 private:
  async::Task<void> then_stop(async::Task<void> test) {
    co_await std::move(test);
    co_await channel_->close();
    co_await server_.stop();
  }
};

TEST_F(GrpcTest, AMessageGoesAndComesBack) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{10} << 20}) {
        auto answer = co_await t->call("/t.T/Echo", std::string(size, 'm'));
        if (!answer) ADD_FAILURE() << answer.error().to_string();
        CO_ASSERT(answer);
        EXPECT_EQ(answer->size(), size);
      }
      EXPECT_EQ(t->server_.connections(), 1);
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, AStatusKeepsItsCodeAndMessage) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      auto failed = co_await t->call("/t.T/Fail", "");
      CO_ASSERT(!failed);
      EXPECT_EQ(failed.error().code, kGrpcNotFound);
      EXPECT_EQ(failed.error().to_string(), "rpc error: code = NotFound desc = no such thing");
      EXPECT_EQ(failed.error().to_status().reason(), Reason::kNotFound);
      auto page = co_await t->call("/t.T/Page", "");
      CO_ASSERT(!page);
      EXPECT_EQ(page.error().code, kGrpcUnavailable);
      auto zip = co_await t->call("/t.T/Zip", "");
      CO_ASSERT(!zip);
      EXPECT_EQ(zip.error().code, kGrpcInternal);
      auto twice = co_await t->call("/t.T/Twice", "x");
      CO_ASSERT(!twice);
      EXPECT_EQ(twice.error().code, kGrpcInternal);
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, ADeadlineEndsTheCallOnBothSides) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      auto late = co_await t->channel_->unary("/t.T/Hang", "", std::chrono::milliseconds(20), {});
      CO_ASSERT(!late);
      EXPECT_EQ(late.error().code, kGrpcDeadlineExceeded);
      co_await t->handler_.stopped.wait({});
      auto next = co_await t->call("/t.T/Echo", "still works");
      EXPECT_TRUE(next);
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, ALostConnectionEndsItsCallsAndTheNextCallMakesAnother) {
  struct Body {
    static async::Task<void> lose(GrpcTest* t) {
      co_await t->handler_.hanging.wait({});
      co_await t->channel_->close();
    }
    static async::Task<void> run(GrpcTest* t) {
      async::Scope scope(t->loop_.executor());
      scope.spawn(lose(t));
      auto lost = co_await t->call("/t.T/Hang", "");
      CO_ASSERT(!lost);
      EXPECT_EQ(lost.error().code, kGrpcUnavailable);
      co_await scope.join();
      t->channel_ = t->make_channel({});
      auto again = co_await t->call("/t.T/Echo", "a");
      EXPECT_TRUE(again);
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, MessagesOverTheLimitAreRefused) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      GrpcOptions small;
      small.max_message_bytes = 1000;
      const auto channel = t->make_channel(small);
      auto answer = co_await channel->unary("/t.T/Echo", std::string(1001, 'x'),
                                            std::chrono::seconds(20), {});
      CO_ASSERT(!answer);
      EXPECT_EQ(answer.error().code, kGrpcResourceExhausted);
      co_await channel->close();
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, ManyCallsShareOneConnection) {
  struct Body {
    static async::Task<void> one(GrpcTest* t, int* good) {
      auto answer = co_await t->call("/t.T/Echo", std::string(20'000, 'x'));
      if (answer && answer->size() == 20'000) ++*good;
    }
    static async::Task<void> run(GrpcTest* t) {
      int good = 0;
      std::vector<async::Task<void>> all;
      for (int i = 0; i < 500; ++i) all.push_back(one(t, &good));
      co_await async::all(t->loop_.executor(), std::move(all));
      EXPECT_EQ(good, 500);
      EXPECT_EQ(t->server_.connections(), 1);
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, AStreamCarriesMessagesUntilItsEnd) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      auto stream = co_await t->channel_->stream("/t.T/Twice", {});
      CO_ASSERT(stream);
      EXPECT_TRUE((*stream)->send("a"));
      EXPECT_TRUE((*stream)->send("b"));
      (*stream)->finish_sending();
      std::string all;
      for (;;) {
        auto message = co_await (*stream)->next({});
        CO_ASSERT(message);
        if (!*message) break;
        all += **message;
      }
      EXPECT_EQ(all, "abab");
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, NobodyListeningIsUnavailable) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      GrpcChannel nowhere(t->loop_.executor(), Endpoint::parse("unix:///nonexistent.sock").value(),
                          {});
      auto answer = co_await nowhere.unary("/t.T/Echo", "", std::chrono::seconds(1), {});
      CO_ASSERT(!answer);
      EXPECT_EQ(answer.error().code, kGrpcUnavailable);
      co_await nowhere.close();
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, AServerThatClosesAtOnceIsUnavailable) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      ServerOptions full;
      full.max_connections = 0;
      Server closing(t->loop_.executor(), t->handler_, full, t->loop_.log());
      const auto port = closing.listen_tcp("127.0.0.1", 0, nullptr);
      CO_ASSERT(port);
      GrpcChannel channel(t->loop_.executor(),
                          Endpoint::parse(cat("tcp://127.0.0.1:", *port)).value(), {});
      for (int i = 0; i < 20; ++i) {
        auto answer = co_await channel.unary("/t.T/Echo", "", std::chrono::seconds(20), {});
        CO_ASSERT(!answer);
        EXPECT_EQ(answer.error().code, kGrpcUnavailable);
      }
      co_await channel.close();
      co_await closing.stop();
    }
  };
  run(Body::run(this));
}

// Takes connections and never says a word: nobody accepts them.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  ~SilentServer() { ::close(socket_); }
  int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

TEST_F(GrpcTest, AConnectionThatDoesNotAnswerAKeepaliveIsGivenUp) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      const SilentServer silent;
      GrpcOptions options;
      options.keepalive_time = std::chrono::milliseconds(50);
      options.keepalive_timeout = std::chrono::milliseconds(50);
      GrpcChannel channel(t->loop_.executor(),
                          Endpoint::parse(cat("tcp://127.0.0.1:", silent.port())).value(), options);
      auto answer = co_await channel.unary("/t.T/Echo", "", std::chrono::seconds(20), {});
      CO_ASSERT(!answer);
      EXPECT_EQ(answer.error().code, kGrpcUnavailable);
      EXPECT_EQ(answer.error().message, "keepalive ping failed to receive ACK within timeout");
      EXPECT_FALSE(answer.error().unsent);
      co_await channel.close();
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcTest, WhatNobodyCouldHaveSeenSaysSo) {
  struct Body {
    static async::Task<void> run(GrpcTest* t) {
      GrpcChannel channel(t->loop_.executor(), Endpoint::parse("tcp://127.0.0.1:1").value(), {});
      auto answer = co_await channel.unary("/t.T/Echo", "", std::chrono::seconds(20), {});
      CO_ASSERT(!answer);
      EXPECT_TRUE(answer.error().unsent);
      EXPECT_NE(answer.error().message.find("dial tcp 127.0.0.1:1: connect: connection refused"),
                std::string::npos)
          << answer.error().message;
      co_await channel.close();
    }
  };
  run(Body::run(this));
}

TEST(Http2Server, OverTlsStreamsEndWhenTheServerStops) {
  struct Body {
    static async::Task<void> stop_it(Server* server, EchoHandler* handler) {
      co_await handler->hanging.wait({});
      co_await server->stop();
    }
    static async::Task<void> run(Loopback* loop, Server* server, EchoHandler* handler,
                                 GrpcChannel* channel) {
      async::Scope scope(loop->executor());
      scope.spawn(stop_it(server, handler));
      auto answer = co_await channel->unary("/hang", "", std::chrono::seconds(20), {});
      EXPECT_FALSE(answer);
      EXPECT_TRUE(handler->stopped.is_set());
      co_await scope.join();
      co_await channel->close();
    }
  };
  Loopback loop;
  const Certificates certificates = Certificates::make();
  EchoHandler handler(loop.executor());
  Server server(loop.executor(), handler, {}, loop.log());
  const auto tls = TlsContext::server({.certificate_pem = certificates.server.certificate_pem,
                                       .key_pem = certificates.server.key_pem});
  const auto port = server.listen_tcp("127.0.0.1", 0, tls.value()).value();
  GrpcOptions options;
  options.dial.tls =
      TlsContext::client({.ca_pem = certificates.ca.certificate_pem, .http2 = true}).value();
  GrpcChannel channel(loop.executor(), Endpoint::parse(cat("https://127.0.0.1:", port)).value(),
                      options);
  loop.run(Body::run(&loop, &server, &handler, &channel));
}

}  // namespace
}  // namespace kpp::net
