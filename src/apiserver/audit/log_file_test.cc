#include "apiserver/audit/log_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/cat.h"
#include "base/fs.h"

namespace kpp::apiserver {
namespace {

constexpr WallTime kNow{std::chrono::seconds{1'700'000'000}};

class AuditLogFileTest : public testing::Test {
 protected:
  void TearDown() override { (void)fs::remove_all(directory_); }

  const std::string directory_ = cat(testing::TempDir(), "/kpp-audit-", getpid());
  const std::string path_ = cat(directory_, "/audit.log");
};

TEST_F(AuditLogFileTest, LinesAreAppendedToWhatIsThere) {
  for (const char* line : {"a\n", "b\n"}) {
    const auto file = AuditLogFile::open({.path = path_});
    ASSERT_TRUE(file);
    EXPECT_TRUE((*file)->append(line, kNow).ok());
  }
  EXPECT_EQ(*fs::read_file(path_), "a\nb\n");
}

TEST_F(AuditLogFileTest, ALargeFileIsPutAsideUnderItsTimeAndOldOnesGo) {
  const auto file =
      AuditLogFile::open({.path = path_, .max_size = 1, .max_backups = 2, .max_age_days = 0});
  ASSERT_TRUE(file);
  const std::string line(600'000, 'x');
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE((*file)->append(line, kNow + std::chrono::seconds(i)).ok());
  EXPECT_EQ(*fs::list(directory_),
            (std::vector<std::string>{"audit-2023-11-14T22-13-23.000.log",
                                      "audit-2023-11-14T22-13-24.000.log", "audit.log"}));
}

TEST_F(AuditLogFileTest, FilesOfLongAgoGo) {
  const auto file =
      AuditLogFile::open({.path = path_, .max_size = 1, .max_backups = 0, .max_age_days = 1});
  ASSERT_TRUE(file);
  const std::string line(600'000, 'x');
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE((*file)->append(line, kNow + std::chrono::hours(24 * 3 * i)).ok());
  EXPECT_EQ(*fs::list(directory_),
            (std::vector<std::string>{"audit-2023-11-20T22-13-20.000.log", "audit.log"}));
}

TEST_F(AuditLogFileTest, APlaceThatCannotBeWrittenIsAnError) {
  EXPECT_FALSE(AuditLogFile::open({.path = "/proc/none/audit.log"}));
}

}  // namespace
}  // namespace kpp::apiserver
