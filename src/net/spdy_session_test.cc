#include "net/spdy_session.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "async/scope.h"
#include "net/testing/echo_handler.h"

namespace kpp::net {
namespace {

using namespace std::string_literals;

// Compresses as Go's clients do: with the dictionary, flushed after each block.
class Compressor {
 public:
  Compressor() {
    ::deflateInit(&stream_, Z_BEST_COMPRESSION);
    const std::string dictionary = spdy_dictionary();
    ::deflateSetDictionary(&stream_, reinterpret_cast<const Bytef*>(dictionary.data()),
                           static_cast<uInt>(dictionary.size()));
  }
  ~Compressor() { ::deflateEnd(&stream_); }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  std::string block(std::string_view bytes) {
    std::string out(bytes.size() + 1000, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    ::deflate(&stream_, Z_SYNC_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    return out;
  }

 private:
  z_stream stream_{};
};

// A connection that has all of what a client sends, and keeps what it is told.
class Recorded final : public ByteStream {
 public:
  Recorded(std::string bytes, std::string* said) : bytes_(std::move(bytes)), said_(said) {}
  async::Task<Result<std::string>> read(async::StopToken) override {
    co_return std::exchange(bytes_, {});
  }
  async::Task<Status> write(std::string bytes, async::StopToken) override {
    *said_ += bytes;
    co_return Status();
  }
  async::Task<void> close_write() override { co_return; }
  void abort() override {}

 private:
  std::string bytes_;
  std::string* said_;
};

TEST(SpdyDictionary, HasTheChecksumThatPeersAskForItBy) {
  const std::string dictionary = spdy_dictionary();
  EXPECT_EQ(::adler32(1, reinterpret_cast<const Bytef*>(dictionary.data()),
                      static_cast<uInt>(dictionary.size())),
            0xe3c6a7c2U);
}

TEST(SpdyHeaderReader, ReadsBlocksOfOneStreamCompressedWithTheDictionary) {
  Compressor compressor;
  SpdyHeaderReader reader;
  for (int i = 0; i < 2; ++i) {
    const auto headers =
        reader.read(compressor.block("\0\0\0\1\0\0\0\x0astreamtype\0\0\0\5stdin"s));
    ASSERT_TRUE(headers);
    ASSERT_EQ(headers->size(), 1U);
    EXPECT_EQ(headers->front().first, "streamtype");
    EXPECT_EQ(headers->front().second, "stdin");
  }
}

TEST(SpdyHeaderReader, ReadsStoredBlocks) {
  SpdyEncoder encoder;
  SpdyHeaderReader reader;
  const std::string frame = encoder.open(1, {{"a", "b"}, {"c", ""}});
  const auto headers = reader.read(std::string_view(frame).substr(18));
  ASSERT_TRUE(headers);
  EXPECT_EQ(headers->size(), 2U);
}

TEST(SpdyHeaderReader, RefusesBlocksThatGrowTooLargeOrLie) {
  {
    Compressor compressor;
    SpdyHeaderReader reader;
    EXPECT_FALSE(reader.read(compressor.block(std::string(100'000, '\0'))));
    EXPECT_FALSE(reader.read(compressor.block("\0\0\0\0"s)));
  }
  for (const std::string& block :
       {"\0\0"s, "\0\0\0\1\0\0\0\x09x"s, "\0\0\0\0x"s, "\xff\xff\xff\xff"s}) {
    Compressor compressor;
    SpdyHeaderReader reader;
    EXPECT_FALSE(reader.read(compressor.block(block)));
  }
  SpdyHeaderReader reader;
  EXPECT_FALSE(reader.read("no zlib"));
}

TEST(SpdySession, TellsWhatAClientDoesAndAnswersIt) {
  struct Body {
    static async::Task<void> run(async::ManualExecutor* executor, std::string* told) {
      SpdyEncoder client;
      std::string bytes = client.open(1, {{"streamtype", "stdin"}}) +
                          SpdyEncoder::data(1, "hello", true) + SpdyEncoder::ping("\0\0\0\7"s) +
                          "\x80\3\0\3\0\0\0\x08\0\0\0\1\0\0\0\5"s;
      std::string said;
      SpdySession session(*executor, std::make_unique<Recorded>(bytes, &said));
      for (;;) {
        auto event = co_await session.next({});
        CO_ASSERT(event);
        if (!*event) break;
        *told += cat(static_cast<int>((*event)->kind), (*event)->header("streamType"),
                     (*event)->bytes, ";");
      }
      SpdyDecoder decoder;
      decoder.feed(said);
      auto reply = decoder.next();
      CO_ASSERT(reply && *reply);
      EXPECT_EQ((*reply)->type, SpdyDecoder::kSynReply);
      EXPECT_EQ((*reply)->stream, 1U);
      auto pong = decoder.next();
      CO_ASSERT(pong && *pong);
      EXPECT_EQ((*pong)->payload, "\0\0\0\7"s);
    }
  };
  async::ManualExecutor executor;
  async::Scope scope(executor);
  std::string told;
  scope.spawn(Body::run(&executor, &told));
  executor.run_until_idle();
  EXPECT_EQ(told, "0stdin;1hello;2;3;");
}

}  // namespace
}  // namespace kpp::net
