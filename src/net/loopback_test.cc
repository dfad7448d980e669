// Server and client over real sockets, without TLS.
#include "net/testing/loopback.h"

#include <gtest/gtest.h>

#include "net/client.h"
#include "net/server.h"
#include "net/socket.h"
#include "net/testing/echo_handler.h"

namespace kpp::net {
namespace {

using testing::EchoHandler;
using testing::Loopback;

ServerOptions small_options() {
  ServerOptions options;
  options.max_body_bytes = 1000;
  return options;
}

class LoopbackTest : public ::testing::Test {
 public:
  LoopbackTest()
      : handler_(loop_.executor()),
        server_(loop_.executor(), handler_, small_options(), loop_.log()) {
    port_ = server_.listen_tcp("127.0.0.1", 0, nullptr).value();
  }

  HttpClient client() { return HttpClient(loop_.executor(), endpoint(), {}); }
  Endpoint endpoint() const { return Endpoint::parse(cat("http://127.0.0.1:", port_)).value(); }

  static Request request(std::string method, std::string path, std::string body = "") {
    Request r;
    r.method = std::move(method);
    r.path = std::move(path);
    r.body = std::move(body);
    return r;
  }

  void run(async::Task<void> test) { loop_.run(then_stop(std::move(test))); }

  // Sends bytes as they are and gives back all that comes.
  async::Task<std::string> raw(std::string bytes) {
    auto stream = co_await dial_tcp(loop_.executor(), "127.0.0.1", port_, {});
    std::string out;
    if (!stream) co_return out;
    const Status written = co_await (*stream)->write(bytes, {});
    (void)written;
    for (;;) {
      auto piece = co_await (*stream)->read({});
      if (!piece || piece->empty()) co_return out;
      out += *piece;
    }
  }

  Loopback loop_;
  EchoHandler handler_;
  Server server_;
  std::uint16_t port_ = 0;

 private:
  async::Task<void> then_stop(async::Task<void> test) {
    co_await std::move(test);
    co_await server_.stop();
  }
};

TEST_F(LoopbackTest, ARequestComesAndItsAnswerGoes) {
  struct Body {
    static async::Task<void> run(HttpClient* client) {
      Request r = request("POST", "/a b/ü", "hello");
      r.query = "x=%20";
      r.headers.add("X-Test", "yes");
      auto response = co_await client->send(std::move(r), false, {});
      CO_ASSERT(response);
      EXPECT_EQ(response->status, 200);
      EXPECT_EQ(response->body_text(), "POST /a b/ü?x=%20 hello x-test=yes");
      EXPECT_EQ(client->idle_connections(), 1);
      auto second = co_await client->send(request("HEAD", "/"), false, {});
      CO_ASSERT(second);
      EXPECT_EQ(second->body_text(), "");
      EXPECT_EQ(client->idle_connections(), 1);
    }
  };
  HttpClient c = client();
  run(Body::run(&c));
}

TEST_F(LoopbackTest, AStreamComesPieceByPieceAndItsClientCanGo) {
  struct Body {
    static async::Task<void> run(HttpClient* client, EchoHandler* handler) {
      auto response = co_await client->send(request("GET", "/stream"), true, {});
      CO_ASSERT(response);
      handler->pieces.try_send("one");
      auto first = co_await response->stream->next({});
      CO_ASSERT(first);
      EXPECT_EQ(**first, "one");
      handler->pieces.try_send("two");
      auto second = co_await response->stream->next({});
      CO_ASSERT(second);
      EXPECT_EQ(**second, "two");
      response->stream.reset();
      co_await handler->stopped.wait({});
    }
  };
  HttpClient c = client();
  run(Body::run(&c, &handler_));
}

TEST_F(LoopbackTest, TheEndOfAStreamGivesTheConnectionBack) {
  struct Body {
    static async::Task<void> run(HttpClient* client, EchoHandler* handler) {
      handler->pieces.try_send("only");
      handler->pieces.close();
      auto response = co_await client->send(request("GET", "/stream"), true, {});
      CO_ASSERT(response);
      std::string all;
      for (;;) {
        auto piece = co_await response->stream->next({});
        CO_ASSERT(piece);
        if (*piece == nullptr) break;
        all += **piece;
      }
      EXPECT_EQ(all, "only");
      EXPECT_EQ(client->idle_connections(), 1);
    }
  };
  HttpClient c = client();
  run(Body::run(&c, &handler_));
}

TEST_F(LoopbackTest, AStreamWhoseLengthIsKnownIsNotInChunks) {
  struct Body {
    static async::Task<void> run(LoopbackTest* t) {
      t->handler_.pieces.try_send("ab");
      t->handler_.pieces.try_send("c");
      t->handler_.pieces.close();
      const auto answers = co_await t->raw(
          "GET /stream?3 HTTP/1.1\r\nHost: a\r\n\r\n"
          "GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      EXPECT_NE(answers.find("Content-Length: 3\r\n"), std::string::npos) << answers;
      EXPECT_EQ(answers.find("chunked"), std::string::npos) << answers;
      EXPECT_NE(answers.find("\r\n\r\nabcHTTP/1.1 200 OK\r\n"), std::string::npos) << answers;
    }
  };
  run(Body::run(this));
}

TEST_F(LoopbackTest, AStreamThatIsShorterOrLongerThanItSaidIsCutOff) {
  struct Body {
    static async::Task<void> run(LoopbackTest* t, HttpClient* client) {
      t->handler_.pieces.try_send("abc");
      auto longer = co_await client->send(with_length("2"), false, {});
      EXPECT_TRUE(!longer || longer->body_text() != "abc");
      t->handler_.pieces.try_send("abc");
      t->handler_.pieces.close();
      auto shorter = co_await client->send(with_length("4"), false, {});
      EXPECT_FALSE(shorter);
    }
    static Request with_length(std::string length) {
      Request r = request("GET", "/stream");
      r.query = std::move(length);
      return r;
    }
  };
  HttpClient c = client();
  run(Body::run(this, &c));
}

TEST_F(LoopbackTest, AnErrorInAStreamIsSeenByTheClient) {
  struct Body {
    static async::Task<void> run(HttpClient* client) {
      auto response = co_await client->send(request("GET", "/broken"), false, {});
      EXPECT_FALSE(response);
      if (!response) EXPECT_EQ(response.error().reason(), Reason::kIo);
    }
  };
  HttpClient c = client();
  run(Body::run(&c));
}

TEST_F(LoopbackTest, ABodyOverTheLimitIsDroppedAndToldToTheHandler) {
  struct Body {
    static async::Task<void> run(HttpClient* client) {
      auto response =
          co_await client->send(request("POST", "/", std::string(500'000, 'x')), false, {});
      CO_ASSERT(response);
      EXPECT_EQ(response->status, 413);
      auto next = co_await client->send(request("POST", "/", "small"), false, {});
      CO_ASSERT(next);
      EXPECT_EQ(next->status, 200);
    }
  };
  HttpClient c = client();
  run(Body::run(&c));
}

TEST_F(LoopbackTest, AnUpgradedConnectionCarriesBytesBothWays) {
  struct Body {
    static async::Task<void> run(HttpClient* client) {
      Request r = request("GET", "/upgrade");
      r.headers.add("Upgrade", "echo");
      auto upgraded = co_await client->upgrade(std::move(r), {});
      CO_ASSERT(upgraded);
      EXPECT_EQ(upgraded->response.status, 101);
      EXPECT_EQ(upgraded->response.headers.get("upgrade"), "echo");
      CO_ASSERT(upgraded->stream);
      const Status written = co_await upgraded->stream->write("ping", {});
      EXPECT_TRUE(written.ok());
      auto read = co_await upgraded->stream->read({});
      CO_ASSERT(read);
      EXPECT_EQ(*read, "ping");
      co_await upgraded->stream->close_write();
      auto end = co_await upgraded->stream->read({});
      CO_ASSERT(end);
      EXPECT_EQ(*end, "");

      Request refused = request("GET", "/other");
      refused.headers.add("Upgrade", "echo");
      auto plain = co_await client->upgrade(std::move(refused), {});
      CO_ASSERT(plain);
      EXPECT_EQ(plain->response.status, 200);
      EXPECT_EQ(plain->stream, nullptr);
    }
  };
  HttpClient c = client();
  run(Body::run(&c));
}

TEST_F(LoopbackTest, BytesSentWithAnUpgradeAreNotLost) {
  struct Body {
    static async::Task<void> run(LoopbackTest* t) {
      auto stream = co_await dial_tcp(t->loop_.executor(), "127.0.0.1", t->port_, {});
      CO_ASSERT(stream);
      const Status written = co_await (*stream)->write(
          "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly",
          {});
      EXPECT_TRUE(written.ok());
      std::string got;
      while (!got.ends_with("early")) {
        auto piece = co_await (*stream)->read({});
        CO_ASSERT(piece);
        CO_ASSERT(!piece->empty());
        got += *piece;
      }
      (*stream)->abort();
    }
  };
  run(Body::run(this));
}

TEST_F(LoopbackTest, MalformedRequestsAreAnsweredWith400) {
  struct Body {
    static async::Task<void> run(LoopbackTest* t) {
      auto a = co_await t->raw("garbage\r\n\r\n");
      EXPECT_EQ(a,
                "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; "
                "charset=utf-8\r\nConnection: close\r\n\r\n"
                "400 Bad Request");
      auto b = co_await t->raw("GET / HTTP/1.1\r\n\r\n");
      EXPECT_TRUE(b.ends_with("400 Bad Request: missing required Host header")) << b;
      auto c =
          co_await t->raw("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
      EXPECT_TRUE(c.starts_with("HTTP/1.1 400 ")) << c;
      auto d = co_await t->raw("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n");
      EXPECT_TRUE(d.starts_with("HTTP/1.1 400 ")) << d;
    }
  };
  run(Body::run(this));
}

TEST_F(LoopbackTest, AHeadOverTheLimitIsAnsweredWith431) {
  struct Body {
    static async::Task<void> run(LoopbackTest* t) {
      auto answer = co_await t->raw(
          cat("GET / HTTP/1.1\r\nHost: a\r\nX: ", std::string(2u << 20, 'x'), "\r\n\r\n"));
      EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 431 ")) << answer;
      auto after = co_await t->raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      EXPECT_TRUE(after.starts_with("HTTP/1.1 200 ")) << after;
    }
  };
  run(Body::run(this));
}

TEST_F(LoopbackTest, RequestsThatComeTogetherAreAnsweredInOrder) {
  struct Body {
    static async::Task<void> run(LoopbackTest* t) {
      auto answers = co_await t->raw(
          "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
          "GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      const auto first = answers.find("POST /1? abc");
      const auto second = answers.find("GET /2?");
      EXPECT_NE(first, std::string::npos);
      EXPECT_NE(second, std::string::npos);
      EXPECT_LT(first, second);
    }
  };
  run(Body::run(this));
}

TEST_F(LoopbackTest, AClientThatWaitsFor100GetsIt) {
  struct Body {
    static async::Task<void> run(LoopbackTest* t) {
      auto stream = co_await dial_tcp(t->loop_.executor(), "127.0.0.1", t->port_, {});
      CO_ASSERT(stream);
      const Status head = co_await (*stream)->write(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: "
          "close\r\n\r\n",
          {});
      EXPECT_TRUE(head.ok());
      auto go = co_await (*stream)->read({});
      CO_ASSERT(go);
      EXPECT_EQ(*go, "HTTP/1.1 100 Continue\r\n\r\n");
      const Status body = co_await (*stream)->write("hi", {});
      EXPECT_TRUE(body.ok());
      auto answer = co_await (*stream)->read({});
      CO_ASSERT(answer);
      EXPECT_TRUE(answer->starts_with("HTTP/1.1 200 OK\r\n"));
    }
  };
  run(Body::run(this));
}

TEST_F(LoopbackTest, AStopCutsARequestShort) {
  struct Body {
    static async::Task<void> stop_it(EchoHandler* handler, async::StopSource* stop) {
      co_await handler->hanging.wait({});
      stop->request_stop();
    }
    static async::Task<void> run(LoopbackTest* t, HttpClient* client) {
      async::StopSource stop;
      async::Scope scope(t->loop_.executor());
      scope.spawn(stop_it(&t->handler_, &stop));
      auto response = co_await client->send(request("GET", "/hang"), false, stop.token());
      EXPECT_FALSE(response);
      if (!response) EXPECT_EQ(response.error().reason(), Reason::kCanceled);
      co_await t->handler_.stopped.wait({});
      co_await scope.join();
    }
  };
  HttpClient c = client();
  run(Body::run(this, &c));
}

TEST_F(LoopbackTest, AStoppingServerAsksItsHandlersToStop) {
  struct Body {
    static async::Task<void> stop_it(LoopbackTest* t) {
      co_await t->handler_.hanging.wait({});
      co_await t->server_.stop();
    }
    static async::Task<void> run(LoopbackTest* t, HttpClient* client) {
      async::Scope scope(t->loop_.executor());
      scope.spawn(stop_it(t));
      auto response = co_await client->send(request("GET", "/hang"), false, {});
      CO_ASSERT(response);
      EXPECT_EQ(response->headers.get("Connection"), "close");
      co_await scope.join();
      auto refused = co_await client->send(request("GET", "/"), false, {});
      EXPECT_FALSE(refused);
      if (!refused) EXPECT_EQ(refused.error().reason(), Reason::kServiceUnavailable);
    }
  };
  HttpClient c = client();
  run(Body::run(this, &c));
}

TEST_F(LoopbackTest, AReaderThatStandsStillHoldsTheSourceBack) {
  struct Body {
    static async::Task<void> run(LoopbackTest* t, HttpClient* client) {
      auto response = co_await client->send(request("GET", "/flood"), true, {});
      CO_ASSERT(response);
      // The source stands still once the kernel's buffers are full.
      int before = -1;
      while (before != t->handler_.flooded) {
        before = t->handler_.flooded;
        co_await async::sleep_for(t->loop_.executor(), std::chrono::milliseconds(50), {});
      }
      EXPECT_LT(t->handler_.flooded, 64);  // pieces of 1 MiB
      response->stream.reset();
      co_await t->handler_.stopped.wait({});
    }
  };
  HttpClient c = client();
  run(Body::run(this, &c));
}

TEST_F(LoopbackTest, UnixSocketsServeToo) {
  struct Body {
    static async::Task<void> run(HttpClient* client) {
      auto response = co_await client->send(request("GET", "/u"), false, {});
      CO_ASSERT(response);
      EXPECT_EQ(response->body_text(), "GET /u?  x-test=");
    }
  };
  const std::string path = cat("/tmp/kpp-net-test-", ::getpid(), ".sock");
  ASSERT_TRUE(server_.listen_unix(path).ok());
  HttpClient c(loop_.executor(), Endpoint::parse(cat("unix://", path)).value(), {});
  run(Body::run(&c));
  ::unlink(path.c_str());
}

TEST(Endpoint, UrlsAreRead) {
  const auto a = Endpoint::parse("https://[::1]:6443/");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->host, "::1");
  EXPECT_EQ(a->authority(), "[::1]:6443");
  EXPECT_EQ(Endpoint::parse("http://host")->authority(), "host");
  EXPECT_EQ(Endpoint::parse("unix:///run/a.sock")->unix_path, "/run/a.sock");
  for (const char* bad :
       {"", "host:80", "ftp://a", "http://", "http://a:x", "http://a/b", "unix://a"}) {
    EXPECT_FALSE(Endpoint::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace kpp::net
