#include "net/websocket.h"

#include <gtest/gtest.h>

namespace kpp::net {
namespace {

std::string masked(std::uint8_t first, std::string_view payload) {
  std::string out = {
      static_cast<char>(first), static_cast<char>(0x80 | payload.size()), 1, 2, 3, 4};
  for (std::size_t i = 0; i < payload.size(); ++i)
    out += static_cast<char>(payload[i] ^ static_cast<char>(1 + i % 4));
  return out;
}

TEST(WebSocket, TheHandshakeAnswersTheKeyOfTheStandard) {
  Headers headers;
  headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  headers.add("Sec-WebSocket-Version", "13");
  auto answer = accept_websocket(headers, "v5.channel.k8s.io");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(answer->headers.get("Sec-WebSocket-Protocol"), "v5.channel.k8s.io");
}

TEST(WebSocket, AHandshakeWithoutKeyIsRefused) {
  Headers headers;
  headers.add("Sec-WebSocket-Version", "13");
  EXPECT_FALSE(accept_websocket(headers, ""));
}

TEST(WebSocket, OffersMayStandInOneFieldOrInMany) {
  Headers headers;
  headers.add("Upgrade", "WebSocket");
  headers.add("Sec-WebSocket-Protocol", "v5.channel.k8s.io, v4.channel.k8s.io");
  headers.add("Sec-WebSocket-Protocol", "channel.k8s.io");
  EXPECT_TRUE(wants_websocket(headers));
  EXPECT_EQ(websocket_protocols(headers),
            (std::vector<std::string>{"v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"}));
}

TEST(WebSocketDecoder, FramesComeInPieces) {
  const std::string bytes = masked(0x82, "hello") + masked(0x89, "");
  WebSocketDecoder decoder;
  std::vector<WebSocketDecoder::Frame> frames;
  for (const char c : bytes) {
    decoder.feed(std::string_view(&c, 1));
    auto frame = decoder.next();
    ASSERT_TRUE(frame);
    if (*frame) frames.push_back(std::move(**frame));
  }
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].payload, "hello");
  EXPECT_EQ(frames[1].opcode, WebSocketDecoder::kPing);
}

TEST(WebSocketDecoder, UnmaskedAndOversizedFramesAreRefused) {
  WebSocketDecoder unmasked;
  unmasked.feed(std::string_view("\x82\x01x", 3));
  EXPECT_FALSE(unmasked.next());
  WebSocketDecoder huge;
  huge.feed(std::string_view("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10));
  EXPECT_FALSE(huge.next());
}

TEST(WebSocketFrame, LengthsTakeAsManyBytesAsTheyNeed) {
  EXPECT_EQ(websocket_frame(2, "ab"), std::string("\x82\x02"
                                                  "ab"));
  EXPECT_EQ(websocket_frame(2, std::string(300, 'x')).substr(0, 4),
            std::string("\x82\x7e\x01\x2c", 4));
  EXPECT_EQ(websocket_frame(2, std::string(70000, 'x')).size(), 70010U);
}

}  // namespace
}  // namespace kpp::net
