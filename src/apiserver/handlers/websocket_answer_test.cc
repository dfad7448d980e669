#include "apiserver/handlers/websocket_answer.h"

#include <gtest/gtest.h>

#include <deque>

#include "net/socket.h"
#include "net/testing/loopback.h"
#include "net/websocket.h"

namespace kpp::apiserver {
namespace {

using net::websocket_frame;

constexpr std::string_view kGoodbye = "\x03\xe8";

net::Headers handshake(std::string_view protocols, bool origin = true) {
  net::Headers out;
  out.add("Upgrade", "websocket");
  out.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  out.add("Sec-WebSocket-Version", "13");
  if (origin) out.add("Origin", "http://localhost");
  if (!protocols.empty()) out.add("Sec-WebSocket-Protocol", std::string(protocols));
  return out;
}

// Pieces, and then an end or, if it `goes_on`, nothing until somebody asks it to stop.
class Pieces final : public net::BodySource {
 public:
  Pieces(async::Executor& executor, std::deque<std::string> pieces, bool goes_on)
      : never_(executor), pieces_(std::move(pieces)), goes_on_(goes_on) {}
  async::Task<Result<net::SharedBytes>> next(async::StopToken stop) override {
    if (pieces_.empty()) {
      if (goes_on_) (void)co_await never_.wait(stop);
      co_return net::SharedBytes();
    }
    auto piece = std::make_shared<const std::string>(std::move(pieces_.front()));
    pieces_.pop_front();
    co_return piece;
  }

 private:
  async::Event never_;
  std::deque<std::string> pieces_;
  const bool goes_on_;
};

// What a client hears that says goodbye after a message.
std::string conversation(net::testing::Loopback& loop, net::Response answer,
                         const std::string& last = websocket_frame(8, kGoodbye)) {
  struct Body {
    static async::Task<void> client_side(net::ByteStream* stream, std::string last,
                                         std::string* heard) {
      while (true) {
        auto bytes = co_await stream->read({});
        if (!bytes || bytes->empty()) co_return;
        *heard += *bytes;
        if (!heard->ends_with(last)) continue;
        const Status sent =
            co_await stream->write(std::string{'\x88', '\x82', 0, 0, 0, 0, '\x03', '\xe8'}, {});
        EXPECT_TRUE(sent.ok());
      }
    }
    static async::Task<void> run(async::IoExecutor* executor, net::Response answer,
                                 std::string last, std::string* heard) {
      int ends[2] = {-1, -1};
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
      auto server = net::make_byte_stream(std::make_unique<net::Socket>(*executor, ends[0]), "");
      auto client = net::make_byte_stream(std::make_unique<net::Socket>(*executor, ends[1]), "");
      std::vector<async::Task<void>> all;
      all.push_back(answer.upgraded(std::move(server), {}));
      all.push_back(client_side(client.get(), std::move(last), heard));
      co_await async::all(*executor, std::move(all));
    }
  };
  std::string heard;
  loop.run(Body::run(&loop.executor(), std::move(answer), last, &heard));
  return heard;
}

net::Response answer_of(net::testing::Loopback& loop, std::deque<std::string> pieces,
                        bool goes_on = false) {
  net::Response out;
  out.stream = std::make_unique<Pieces>(loop.executor(), std::move(pieces), goes_on);
  return out;
}

TEST(LogOverWebSocket, BeginsWithAnEmptyMessageAndIsBinary) {
  net::testing::Loopback loop;
  auto out = log_over_websocket(loop.executor(), handshake("other, binary.k8s.io", false),
                                answer_of(loop, {"one\n", "two\n"}));
  ASSERT_EQ(out.status, 101) << out.body_text();
  EXPECT_EQ(out.headers.get("Sec-WebSocket-Protocol"), "binary.k8s.io");
  EXPECT_EQ(conversation(loop, std::move(out)),
            websocket_frame(2, "") + websocket_frame(2, "one\n") + websocket_frame(2, "two\n") +
                websocket_frame(8, kGoodbye));
}

TEST(LogOverWebSocket, IsTextWhereTheClientReadsBase64) {
  net::testing::Loopback loop;
  auto out = log_over_websocket(loop.executor(), handshake("base64.binary.k8s.io"),
                                answer_of(loop, {"one\n"}));
  EXPECT_EQ(conversation(loop, std::move(out)),
            websocket_frame(1, "") + websocket_frame(1, "b25lCg==") + websocket_frame(8, kGoodbye));
}

TEST(LogOverWebSocket, OtherProtocolsAreRefused) {
  net::testing::Loopback loop;
  const auto out =
      log_over_websocket(loop.executor(), handshake("v4.channel.k8s.io"), answer_of(loop, {}));
  EXPECT_EQ(out.status, 403);
  EXPECT_FALSE(out.upgraded);
}

TEST(WatchOverWebSocket, EventsAreTextMessagesAndEndWhenTheClientGoes) {
  net::testing::Loopback loop;
  auto out =
      watch_over_websocket(loop.executor(), handshake(""),
                           answer_of(loop, {"{\"type\":\"ADDED\"}\n"}, true), {.text = true});
  ASSERT_EQ(out.status, 101) << out.body_text();
  EXPECT_EQ(out.headers.find("Sec-WebSocket-Protocol"), nullptr);
  const std::string event = websocket_frame(1, "{\"type\":\"ADDED\"}\n");
  EXPECT_EQ(conversation(loop, std::move(out), event), event + websocket_frame(8, kGoodbye));
}

TEST(WatchOverWebSocket, MessagesOfProtobufHaveNoSizesBeforeThem) {
  net::testing::Loopback loop;
  auto out =
      watch_over_websocket(loop.executor(), handshake("one"),
                           answer_of(loop, {std::string("\0\0\0\x02hi", 6)}), {.frame_head = 4});
  EXPECT_EQ(out.headers.get("Sec-WebSocket-Protocol"), "one");
  EXPECT_EQ(conversation(loop, std::move(out)),
            websocket_frame(2, "hi") + websocket_frame(8, kGoodbye));
}

TEST(WatchOverWebSocket, ClientsSayWhereTheyComeFrom) {
  net::testing::Loopback loop;
  EXPECT_EQ(
      watch_over_websocket(loop.executor(), handshake("", false), answer_of(loop, {}), {}).status,
      403);
  EXPECT_EQ(
      watch_over_websocket(loop.executor(), handshake("a, b"), answer_of(loop, {}), {}).status,
      400);
}

}  // namespace
}  // namespace kpp::apiserver
