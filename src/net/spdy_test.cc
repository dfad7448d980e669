#include "net/spdy.h"

#include <gtest/gtest.h>

namespace kpp::net {
namespace {

using namespace std::string_literals;

TEST(SpdyEncoder, AStreamIsOpenedWithAStoredHeaderBlock) {
  SpdyEncoder encoder;
  const std::string block = "\0\0\0\1\0\0\0\1a\0\0\0\2bc"s;
  const std::string stored = "\0\x0f\0\xf0\xff"s + block + "\0\0\0\xff\xff"s;
  ASSERT_EQ(block.size(), 15U);
  EXPECT_EQ(encoder.open(1, {{"a", "bc"}}),
            "\x80\3\0\1\0\0\0\x25\0\0\0\1\0\0\0\0\0\0\x78\1"s + stored);
  // One zlib stream for all blocks of a connection: its head comes once.
  EXPECT_EQ(encoder.open(3, {{"a", "bc"}}), "\x80\3\0\1\0\0\0\x23\0\0\0\3\0\0\0\0\0\0"s + stored);
}

TEST(SpdyDecoder, DataAndEndsOfStreamsAreTold) {
  SpdyDecoder decoder;
  decoder.feed(SpdyEncoder::data(5, "hi", false) + SpdyEncoder::data(5, "", true) +
               "\x80\3\0\6\0\0\0\4\0\0\0\2"s);
  auto frame = decoder.next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_TRUE((*frame)->data);
  EXPECT_EQ((*frame)->stream, 5U);
  EXPECT_EQ((*frame)->payload, "hi");
  EXPECT_FALSE((*frame)->last);
  frame = decoder.next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_TRUE((*frame)->last);
  frame = decoder.next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->type, SpdyDecoder::kPing);
  EXPECT_EQ(SpdyEncoder::ping((*frame)->payload), "\x80\3\0\6\0\0\0\4\0\0\0\2"s);
  frame = decoder.next();
  ASSERT_TRUE(frame);
  EXPECT_FALSE(*frame);
}

TEST(SpdyDecoder, AnotherProtocolIsRefused) {
  SpdyDecoder decoder;
  decoder.feed("\x80\2\0\1\0\0\0\0"s);
  EXPECT_FALSE(decoder.next());
}

}  // namespace
}  // namespace kpp::net
