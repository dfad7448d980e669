#include "apiserver/handlers/stream_translator.h"

#include <gtest/gtest.h>

#include "net/socket.h"
#include "net/spdy.h"
#include "net/testing/loopback.h"
#include "net/websocket.h"

namespace kpp::apiserver {
namespace {

using net::SpdyDecoder;
using net::SpdyEncoder;

std::pair<std::unique_ptr<net::ByteStream>, std::unique_ptr<net::ByteStream>> connected(
    async::IoExecutor& executor) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  return {net::make_byte_stream(std::make_unique<net::Socket>(executor, ends[0]), ""),
          net::make_byte_stream(std::make_unique<net::Socket>(executor, ends[1]), "")};
}

// A client's frame; a mask of zeros leaves the payload as it is.
std::string frame_of_client(std::uint8_t opcode, std::string_view payload) {
  std::string out = {
      static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | payload.size()), 0, 0, 0, 0};
  return out += payload;
}

async::Task<void> send(net::ByteStream& stream, std::string bytes) {
  const Status written = co_await stream.write(std::move(bytes), {});
  EXPECT_TRUE(written.ok());
}

// All that the translator says to its client, which answers the goodbye with one of its own.
async::Task<std::string> until_goodbye(net::ByteStream& client) {
  std::string out;
  while (!out.ends_with("\x88\x02\x03\xe8")) {
    auto bytes = co_await client.read({});
    if (!bytes || bytes->empty()) co_return out + "lost";
    out += *bytes;
  }
  co_await send(client, frame_of_client(8, "\x03\xe8"));
  co_return out;
}

// Reads frames of the translator until one that ends a stream.
async::Task<std::string> until_end_of_input(net::ByteStream& kubelet) {
  SpdyDecoder decoder;
  std::string input;
  std::uint32_t last = 0;
  for (;;) {
    auto bytes = co_await kubelet.read({});
    if (!bytes || bytes->empty()) co_return "lost";
    decoder.feed(*bytes);
    for (;;) {
      auto frame = decoder.next();
      if (!frame) co_return "broken";
      if (!*frame) break;
      if (!(*frame)->data) {
        EXPECT_GT((*frame)->stream, last)
            << "a SPDY peer refuses streams whose numbers do not rise";
        last = (*frame)->stream;
      }
      if ((*frame)->data) input += (*frame)->payload;
      if ((*frame)->data && (*frame)->last) co_return input;
    }
  }
}

// Channels of a v5 client are streams 1 (input), 3 (output), 7 (status) of the kubelet.
TEST(StreamTranslator, InputIsHalfClosedAndTheStatusComesAfterAllOutput) {
  net::testing::Loopback loop;
  struct Body {
    static async::Task<void> kubelet_side(net::ByteStream* kubelet, std::string* input) {
      *input = co_await until_end_of_input(*kubelet);
      co_await send(*kubelet, SpdyEncoder::data(7, "status", true));
      co_await send(*kubelet,
                    SpdyEncoder::data(3, "output", false) + SpdyEncoder::data(3, "", true));
    }
    static async::Task<void> client_side(net::ByteStream* client, std::string* output) {
      co_await send(*client, frame_of_client(2, std::string_view("\0typed", 6)) +
                                 frame_of_client(2, std::string_view("\xff\0", 2)));
      *output = co_await until_goodbye(*client);
    }
    static async::Task<void> run(async::IoExecutor* executor, std::string* input,
                                 std::string* output) {
      auto [client, client_end] = connected(*executor);
      auto [kubelet, kubelet_end] = connected(*executor);
      std::vector<async::Task<void>> all;
      all.push_back(translate_streams(*executor, std::move(client), std::move(kubelet),
                                      {.in = true, .out = true}, {}));
      all.push_back(kubelet_side(kubelet_end.get(), input));
      all.push_back(client_side(client_end.get(), output));
      co_await async::all(*executor, std::move(all));
    }
  };
  std::string input;
  std::string output;
  loop.run(Body::run(&loop.executor(), &input, &output));
  EXPECT_EQ(input, "typed");
  EXPECT_EQ(output, net::websocket_frame(2, "\x01") + net::websocket_frame(2, "\x01output") +
                        net::websocket_frame(2, "\x03status") +
                        net::websocket_frame(8, "\x03\xe8"));
}

TEST(StreamTranslator, AKubeletThatIsLostIsAFailure) {
  net::testing::Loopback loop;
  struct Body {
    static async::Task<void> run(async::IoExecutor* executor, std::string* output) {
      auto [client, client_end] = connected(*executor);
      auto [kubelet, kubelet_end] = connected(*executor);
      std::vector<async::Task<void>> all;
      all.push_back(
          translate_streams(*executor, std::move(client), std::move(kubelet), {.out = true}, {}));
      kubelet_end.reset();
      all.push_back(keep(until_goodbye(*client_end), output));
      co_await async::all(*executor, std::move(all));
    }
    static async::Task<void> keep(async::Task<std::string> text, std::string* output) {
      *output = co_await std::move(text);
    }
  };
  std::string output;
  loop.run(Body::run(&loop.executor(), &output));
  EXPECT_NE(output.find(R"("status":"Failure")"), std::string::npos) << output;
}

}  // namespace
}  // namespace kpp::apiserver
