#include "dockershim/log_frames.h"

#include <gtest/gtest.h>

#include "dockershim/logs.h"

namespace kpp::dockershim {
namespace {

using namespace std::string_literals;

constexpr const char* kTime = "2026-11-25T19:40:54.574083061Z";

std::string frame(char stream, const std::string& bytes) {
  std::string out{stream, 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(bytes.size() >> shift);
  return out + bytes;
}

std::string lines_of(bool terminal, const std::string& bytes, std::size_t piece) {
  LogEntries entries(terminal);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    entries.feed(std::string_view(bytes).substr(at, piece));
    for (;;) {
      auto entry = entries.next();
      if (!entry) return out + "refused";
      if (!*entry) break;
      write_cri_line(out, **entry);
    }
  }
  if (const auto rest = entries.rest()) write_cri_line(out, *rest);
  return out;
}

TEST(OutputFrames, AreTakenApartHoweverTheyCome) {
  const std::string bytes = frame(1, cat(kTime, " a\n")) + frame(2, cat(kTime, " b\n"));
  const std::string told = cat(kTime, " stdout F a\n", kTime, " stderr F b\n");
  EXPECT_EQ(lines_of(false, bytes, bytes.size()), told);
  EXPECT_EQ(lines_of(false, bytes, 1), told);
}

TEST(OutputFrames, OfAnotherKindOrTooLargeAreRefused) {
  EXPECT_EQ(lines_of(false, "\x09\0\0\0\0\0\0\1x"s, 9), "refused");
  EXPECT_EQ(lines_of(false, "\1\0\0\0\xff\xff\xff\xff"s, 8), "refused");
  // What went wrong in the engine ends the log.
  EXPECT_EQ(lines_of(false, frame(3, "log driver failed"), 100), "refused");
}

TEST(LogEntries, WithoutALineFeedArePartial) {
  EXPECT_EQ(lines_of(false, frame(1, cat(kTime, " half")) + frame(1, cat(kTime, " whole\n")), 100),
            cat(kTime, " stdout P half\n", kTime, " stdout F whole\n"));
}

TEST(LogEntries, OfATerminalHaveNoFrames) {
  const std::string piece(16 << 10, 'x');
  const std::string bytes =
      cat(kTime, " short\r\n", kTime, " ", piece, kTime, " rest\n", kTime, " e");
  const std::string told = cat(kTime, " stdout F short\r\n", kTime, " stdout P ", piece, "\n",
                               kTime, " stdout F rest\n", kTime, " stdout P e\n");
  EXPECT_EQ(lines_of(true, bytes, bytes.size()), told);
  EXPECT_EQ(lines_of(true, bytes, 7), told);
}

TEST(LogEnd, CountsTheEntriesThatHaveTheLastTime) {
  const std::string two = cat("2026-11-25T19:40:53.000000000Z stdout F first\n", kTime,
                              " stdout P a\n", kTime, " stderr F b\n");
  const LogEnd end = log_end_of(two);
  EXPECT_EQ(end.time, kTime);
  EXPECT_EQ(end.entries, 2);
}

TEST(LogEnd, OfWhatIsNoLogIsNone) {
  EXPECT_EQ(log_end_of("").entries, 0);
  EXPECT_EQ(log_end_of("words\n").entries, 0);
  EXPECT_EQ(log_end_of(cat(kTime, " stdout F not ended")).entries, 0);
}

}  // namespace
}  // namespace kpp::dockershim
