#include "kubelet/server/log_reader.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

constexpr const char* kLog =
    "2026-01-02T03:04:05.1Z stdout F one\n"
    "2026-01-02T03:04:06.1Z stderr F two\n"
    "2026-01-02T03:04:07.1Z stdout P thr\n"
    "2026-01-02T03:04:07.2Z stdout F ee\n";

std::string read(LogOptions options) {
  LogFormatter formatter(std::move(options));
  const std::string_view text(kLog);
  return formatter.feed(text.substr(0, 50)) + formatter.feed(text.substr(50));
}

TEST(LogReader, JoinsPartialEntries) { EXPECT_EQ(read({}), "one\ntwo\nthree\n"); }

TEST(LogReader, CutsAtTheLimit) {
  LogOptions options;
  options.limit_bytes = 5;
  EXPECT_EQ(read(options), "one\nt");
}

TEST(LogReader, ShowsTimes) {
  LogOptions options;
  options.timestamps = true;
  options.stream = "stderr";
  EXPECT_EQ(read(options), "2026-01-02T03:04:06.1Z two\n");
}

TEST(LogReader, SkipsWhatIsOlder) {
  LogOptions options;
  options.since = *parse_time("2026-01-02T03:04:06Z");
  EXPECT_EQ(read(options), "two\nthree\n");
}

TEST(LogReader, RefusesWhatIsNoEntry) {
  EXPECT_FALSE(parse_log_line("nonsense"));
  EXPECT_FALSE(parse_log_line("2026 other F x"));
  EXPECT_FALSE(parse_time("2026-13"));
}

}  // namespace
}  // namespace kpp::kubelet
