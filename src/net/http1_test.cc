#include "net/http1.h"

#include <gtest/gtest.h>

namespace kpp::net::http1 {
namespace {

int refusal_of(std::string_view head) {
  RequestHead out;
  const auto refused = parse_request_head(head, out);
  return refused ? refused->status : 0;
}

TEST(Http1, AHeadIsReadIntoItsParts) {
  RequestHead head;
  const auto refused = parse_request_head(
      "POST /api/v1?watch=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nX-Y:  z \r\nConnection: "
      "keep-alive, Upgrade\r\n"
      "Upgrade: SPDY/3.1\r\nExpect: 100-continue\r\n\r\n",
      head);
  ASSERT_FALSE(refused);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/api/v1?watch=1");
  EXPECT_EQ(head.headers.get("x-y"), "z");
  EXPECT_EQ(head.framing.length, 12u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.upgrade);
  EXPECT_TRUE(head.expect_continue);
}

TEST(Http1, AmbiguousFramingIsRefused) {
  EXPECT_EQ(
      refusal_of(
          "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
      400);
  EXPECT_EQ(
      refusal_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
      400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            501);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"), 400);
}

TEST(Http1, MalformedHeadsAreRefused) {
  EXPECT_EQ(refusal_of("GET /\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/3.1\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"), 417);
  EXPECT_EQ(refusal_of(std::string_view("G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", 27)), 400);
}

TEST(Http1, ConnectionsStayOpenUnlessOneSideSaysOtherwise) {
  RequestHead a;
  ASSERT_FALSE(parse_request_head("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", a));
  EXPECT_FALSE(a.keep_alive);
  RequestHead b;
  ASSERT_FALSE(parse_request_head("GET / HTTP/1.0\r\n\r\n", b));
  EXPECT_FALSE(b.keep_alive);
}

TEST(Http1, TheEndOfAHeadIsFoundOverSeveralReads) {
  std::size_t scanned = 0;
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\nHost: a\r\n\r", scanned), 0u);
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody", scanned), 27u);
}

TEST(Http1, ChunkedBodiesAreTakenApartByteByByte) {
  const std::string text = "5;ext=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nNEXT";
  ChunkDecoder decoder;
  std::string body;
  std::size_t at = 0;
  while (!decoder.done()) {
    const auto read = decoder.feed(std::string_view(text).substr(at, 1), body, 100);
    ASSERT_TRUE(read);
    at += *read;
  }
  EXPECT_EQ(body, "hello0123456789");
  EXPECT_EQ(text.substr(at), "NEXT");
}

TEST(Http1, MalformedChunksAreRefused) {
  for (const std::string_view text :
       {"x\r\n", "\r\n", "5\nhello", "5\r\nhelloXX", "FFFFFFFFFFFFFFFFF\r\n", "0\r\nx\n"}) {
    ChunkDecoder decoder;
    std::string body;
    EXPECT_FALSE(decoder.feed(text, body, 100)) << text;
  }
}

TEST(Http1, AnAnswersHeadIsRead) {
  ResponseHead head;
  ASSERT_TRUE(
      parse_response_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", head).ok());
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(head.framing.chunked);
  ResponseHead none;
  EXPECT_FALSE(parse_response_head("HTTP/2 200\r\n\r\n", none).ok());
  EXPECT_FALSE(parse_response_head("garbage\r\n\r\n", none).ok());
}

}  // namespace
}  // namespace kpp::net::http1
