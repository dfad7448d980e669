// The gRPC server against the gRPC client, over real sockets.
#include "net/grpc_server.h"

#include <gtest/gtest.h>

#include "net/grpc_connection.h"
#include "net/grpc_details.h"
#include "net/testing/echo_handler.h"
#include "net/testing/loopback.h"

namespace kpp::net {
namespace {

using testing::Loopback;

constexpr std::size_t kLimit = 100'000;

// "a", "b", ... up to the count; then an error if there is one.
class Letters final : public GrpcMessages {
 public:
  Letters(int count, GrpcStatus end) : count_(count), end_(std::move(end)) {}
  async::Task<GrpcResult<std::optional<std::string>>> next(async::StopToken) override {
    if (given_ < count_) co_return std::optional(std::string(1, static_cast<char>('a' + given_++)));
    if (end_.code != 0) co_return std::unexpected(end_);
    co_return std::nullopt;
  }

 private:
  const int count_;
  const GrpcStatus end_;
  int given_ = 0;
};

class Endless final : public GrpcMessages {
 public:
  Endless(async::Executor& executor, async::Event& stopped)
      : executor_(executor), stopped_(stopped) {}
  async::Task<GrpcResult<std::optional<std::string>>> next(async::StopToken stop) override {
    async::Event never(executor_);
    co_await never.wait(stop);
    stopped_.set();
    co_return std::unexpected(GrpcStatus{kGrpcCanceled, "context canceled"});
  }

 private:
  async::Executor& executor_;
  async::Event& stopped_;
};

class GrpcServerTest : public ::testing::Test {
 public:
  GrpcServerTest()
      : stopped_(loop_.executor()),
        service_(loop_.executor(), {.max_request_bytes = kLimit, .max_answer_bytes = kLimit}),
        server_(loop_.executor(), service_, service_.server_options(), loop_.log()) {
    service_.add("/t.T/Echo",
                 [](std::string message, async::StopToken) { return echo(std::move(message)); });
    service_.add("/t.T/Fail", [](std::string, async::StopToken) { return fail_call(); });
    service_.add("/t.T/Grow",
                 [](std::string, async::StopToken) { return echo(std::string(kLimit + 1, 'x')); });
    service_.add("/t.T/Hang", [this](std::string, async::StopToken stop) { return hang(stop); });
    service_.add_stream("/t.T/Letters", [](std::string message) {
      return std::make_unique<Letters>(static_cast<int>(message.size()), GrpcStatus{});
    });
    service_.add_stream("/t.T/Broken", [](std::string) {
      return std::make_unique<Letters>(2, GrpcStatus{kGrpcNotFound, "gone"});
    });
    service_.add_stream("/t.T/Endless", [this](std::string) {
      return std::make_unique<Endless>(loop_.executor(), stopped_);
    });
    const auto port = server_.listen_tcp("127.0.0.1", 0, nullptr);
    channel_ = std::make_unique<GrpcChannel>(
        loop_.executor(), Endpoint::parse(cat("tcp://127.0.0.1:", port.value())).value(),
        GrpcOptions{});
  }

  static async::Task<GrpcResult<std::string>> echo(std::string message) { co_return message; }
  static async::Task<GrpcResult<std::string>> fail_call() {
    co_return std::unexpected(
        GrpcStatus{kGrpcFailedPrecondition, "100% of «it»\n failed", std::string("\x08\x09\0", 3)});
  }
  async::Task<GrpcResult<std::string>> hang(async::StopToken stop) {
    async::Event never(loop_.executor());
    co_await never.wait(stop);
    stopped_.set();
    co_return std::unexpected(GrpcStatus{kGrpcCanceled, "context canceled"});
  }

  async::Task<GrpcResult<std::string>> call(std::string method, std::string message) {
    return channel_->unary(std::move(method), std::move(message), std::chrono::seconds(20), {});
  }
  void run(async::Task<void> test) { loop_.run(then_stop(std::move(test))); }

  Loopback loop_;
  async::Event stopped_;
  GrpcService service_;
  Server server_;
  std::unique_ptr<GrpcChannel> channel_;

 private:
  async::Task<void> then_stop(async::Task<void> test) {
    co_await std::move(test);
    co_await channel_->close();
    co_await server_.stop();
  }
};

TEST_F(GrpcServerTest, AnswersComeBackWhole) {
  struct Body {
    static async::Task<void> run(GrpcServerTest* t) {
      auto empty = co_await t->call("/t.T/Echo", "");
      CO_ASSERT(empty);
      EXPECT_EQ(*empty, "");
      auto full = co_await t->call("/t.T/Echo", std::string(kLimit, 'x'));
      CO_ASSERT(full);
      EXPECT_EQ(full->size(), kLimit);
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcServerTest, AStatusKeepsItsTextAndDetails) {
  struct Body {
    static async::Task<void> run(GrpcServerTest* t) {
      auto answer = co_await t->call("/t.T/Fail", "");
      CO_ASSERT(!answer);
      EXPECT_EQ(answer.error().code, kGrpcFailedPrecondition);
      EXPECT_EQ(answer.error().message, "100% of «it»\n failed");
      EXPECT_EQ(answer.error().details, std::string("\x08\x09\0", 3));
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcServerTest, UnknownMethodsAreUnimplemented) {
  struct Body {
    static async::Task<void> run(GrpcServerTest* t) {
      auto method = co_await t->call("/t.T/None", "");
      CO_ASSERT(!method);
      EXPECT_EQ(method.error().code, kGrpcUnimplemented);
      EXPECT_EQ(method.error().message, "unknown method None for service t.T");
      auto service = co_await t->call("/t.U/Echo", "");
      CO_ASSERT(!service);
      EXPECT_EQ(service.error().message, "unknown service t.U");
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcServerTest, MessagesOverTheLimitsAreRefused) {
  struct Body {
    static async::Task<void> run(GrpcServerTest* t) {
      auto in = co_await t->call("/t.T/Echo", std::string(kLimit + 1, 'x'));
      CO_ASSERT(!in);
      EXPECT_EQ(in.error().code, kGrpcResourceExhausted);
      auto out = co_await t->call("/t.T/Grow", "");
      CO_ASSERT(!out);
      EXPECT_EQ(out.error().code, kGrpcResourceExhausted);
      EXPECT_EQ(out.error().message, "trying to send message larger than max (100001 vs. 100000)");
      auto next = co_await t->call("/t.T/Echo", "still works");
      EXPECT_TRUE(next);
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcServerTest, TheCallersDeadlineStopsTheMethod) {
  struct Body {
    static async::Task<void> run(GrpcServerTest* t) {
      auto late = co_await t->channel_->unary("/t.T/Hang", "", std::chrono::milliseconds(20), {});
      CO_ASSERT(!late);
      EXPECT_EQ(late.error().code, kGrpcDeadlineExceeded);
      co_await t->stopped_.wait({});
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcServerTest, AStreamEndsWithItsStatus) {
  struct Body {
    static async::Task<std::string> read(GrpcServerTest* t, std::string method,
                                         std::string message) {
      auto stream = co_await t->channel_->stream(std::move(method), {});
      if (!stream) co_return "no stream";
      (*stream)->send(std::move(message));
      (*stream)->finish_sending();
      std::string all;
      for (;;) {
        auto next = co_await (*stream)->next({});
        if (!next) co_return cat(all, " ", next.error().to_string());
        if (!*next) co_return all;
        all += **next;
      }
    }
    static async::Task<void> run(GrpcServerTest* t) {
      const std::string good = co_await read(t, "/t.T/Letters", "1234");
      EXPECT_EQ(good, "abcd");
      const std::string none = co_await read(t, "/t.T/Letters", "");
      EXPECT_EQ(none, "");
      const std::string broken = co_await read(t, "/t.T/Broken", "");
      EXPECT_EQ(broken, "ab rpc error: code = NotFound desc = gone");
    }
  };
  run(Body::run(this));
}

TEST_F(GrpcServerTest, AClientThatGoesStopsItsStream) {
  struct Body {
    static async::Task<void> run(GrpcServerTest* t) {
      {
        auto stream = co_await t->channel_->stream("/t.T/Endless", {});
        CO_ASSERT(stream);
        (*stream)->send("");
        (*stream)->finish_sending();
        // Another call's answer tells that the server has seen the stream.
        auto other = co_await t->call("/t.T/Echo", "");
        CO_ASSERT(other);
      }
      co_await t->stopped_.wait({});
    }
  };
  run(Body::run(this));
}

TEST(GrpcMessage, ThatIsNotOneWholeFrameIsRefused) {
  const auto code = [](std::string_view body) {
    const auto message = read_grpc_message(body, {}, 10);
    return message ? 0 : message.error().code;
  };
  EXPECT_EQ(code(grpc_frame("0123456789")), 0);
  EXPECT_EQ(code(grpc_frame("0123456789a")), kGrpcResourceExhausted);
  EXPECT_EQ(code(""), kGrpcInternal);
  EXPECT_EQ(code(std::string("\0\0\0\0\2x", 6)), kGrpcInternal);
  EXPECT_EQ(code(std::string("\0\0\0\0\1xy", 7)), kGrpcUnimplemented);
  EXPECT_EQ(code(std::string("\1\0\0\0\1x", 6)), kGrpcInternal);
  Headers zipped;
  zipped.add("grpc-encoding", "gzip");
  const auto compressed = read_grpc_message(std::string("\1\0\0\0\1x", 6), zipped, 10);
  ASSERT_FALSE(compressed);
  EXPECT_EQ(compressed.error().message,
            "grpc: Decompressor is not installed for grpc-encoding \"gzip\"");
}

TEST(GrpcTimeout, HasUpToEightDigitsAndAUnit) {
  EXPECT_EQ(parse_grpc_timeout("100m"), std::chrono::milliseconds(100));
  EXPECT_EQ(parse_grpc_timeout("1H"), std::chrono::hours(1));
  EXPECT_EQ(parse_grpc_timeout("7n"), Duration(7));
  EXPECT_GT(parse_grpc_timeout("99999999H"), std::chrono::hours(100'000));
  for (const char* wrong : {"", "m", "1", "1x", "-1m", "1.5S", "123456789m"})
    EXPECT_FALSE(parse_grpc_timeout(wrong)) << wrong;
}

TEST(GrpcDetails, SurviveTheirBase64) {
  for (const std::string bytes : {"", "a", "ab", "abc", "abcd"})
    EXPECT_EQ(decode_details(encode_details(bytes)), bytes);
  EXPECT_EQ(encode_details("a"), "YQ");
  EXPECT_EQ(decode_details("YQ=="), "a");
  EXPECT_EQ(decode_details("Y"), "");
  EXPECT_EQ(decode_details("!!!!"), "");
}

}  // namespace
}  // namespace kpp::net
