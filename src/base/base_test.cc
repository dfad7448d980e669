#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/ids.h"
#include "base/status.h"

namespace kpp {
namespace {

TEST(Status, ReasonsMapToTheCodesOfTheApi) {
  EXPECT_EQ(reason_code(Reason::kConflict), 409);
  EXPECT_EQ(reason_code(Reason::kInvalid), 422);
  EXPECT_EQ(reason_code(Reason::kExpired), 410);
  EXPECT_EQ(reason_text(Reason::kAlreadyExists), "AlreadyExists");
  EXPECT_EQ(reason_from_text("NotFound"), Reason::kNotFound);
}

Result<int> parse_one(bool good) {
  if (!good) return fail(Reason::kBadRequest, "no");
  return 1;
}
Result<std::string> use_one(bool good) {
  KPP_ASSIGN(const int value, parse_one(good));
  return cat(value);
}

TEST(Status, AssignMacroPassesTheErrorOn) {
  EXPECT_EQ(*use_one(true), "1");
  EXPECT_EQ(use_one(false).error().reason(), Reason::kBadRequest);
}

TEST(Status, ContextKeepsTheReason) {
  const Status s = Status(Reason::kConflict, "old").with_context("saving");
  EXPECT_EQ(s.message(), "saving: old");
  EXPECT_EQ(s.reason(), Reason::kConflict);
}

TEST(Clock, TimesAreWrittenAsTheApiWritesThem) {
  const WallTime t{std::chrono::microseconds{1'700'000'000'123'456}};
  EXPECT_EQ(rfc3339(t), "2023-11-14T22:13:20Z");
  EXPECT_EQ(rfc3339_micro(t), "2023-11-14T22:13:20.123456Z");
}

TEST(Ids, GeneratedSuffixesUseTheApiAlphabet) {
  const std::string s = random_suffix(500);
  ASSERT_EQ(s.size(), 500u);
  EXPECT_EQ(s.find_first_not_of("bcdfghjklmnpqrstvwxz2456789"), std::string::npos);
}

TEST(Cat, QuotesLikeGo) { EXPECT_EQ(quoted("a\"b\n\x01"), "\"a\\\"b\\n\\x01\""); }

TEST(Fs, AtomicWriteReplacesAndSetsTheMode) {
  char dir[] = "/tmp/kpp_fs_XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  const std::string path = cat(dir, "/key");
  ASSERT_TRUE(fs::write_file_atomic(path, "one", 0600).ok());
  ASSERT_TRUE(fs::write_file_atomic(path, "two", 0600).ok());
  EXPECT_EQ(*fs::read_file(path), "two");
  struct stat st{};
  ASSERT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  EXPECT_EQ(fs::list(dir)->size(), 1u);
  EXPECT_TRUE(fs::remove_all(dir).ok());
  EXPECT_FALSE(fs::exists(dir));
}

TEST(Fs, ReadingAboveTheLimitIsRefused) {
  EXPECT_EQ(fs::read_file("/proc/self/maps", 8).error().reason(), Reason::kRequestEntityTooLarge);
}

}  // namespace
}  // namespace kpp
