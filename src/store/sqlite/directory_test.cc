#include "store/sqlite/directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/sqlite_store.h"
#include "store/testing/pump_executor.h"
#include "store/testing/temporary_directory.h"

namespace kpp::store::testing {
namespace {

unsigned mode_of(const std::string& path) {
  struct stat st{};
  return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 0777 : 0;
}

TEST(DirectoryTest, IsMadeForTheOwnerOnly) {
  const TemporaryDirectory parent;
  const std::string path = parent.path() + "/deep/data";
  const auto lock = DirectoryLock::acquire(path);
  ASSERT_TRUE(lock) << lock.error().to_string();
  auto connection = open_data_file(path);
  ASSERT_TRUE(connection) << connection.error().to_string();
  EXPECT_EQ(mode_of(path), 0700u);
  EXPECT_EQ(mode_of(data_file(path)), 0600u);
  EXPECT_EQ(mode_of(data_file(path) + "-wal"), 0600u);
  EXPECT_EQ(mode_of(data_file(path) + "-shm"), 0600u);
}

TEST(DirectoryTest, SecondOpeningIsRefusedByName) {
  const TemporaryDirectory directory;
  PumpExecutor executor;
  auto first = open_sqlite(executor, {.path = directory.path()});
  ASSERT_TRUE(first) << first.error().to_string();
  const auto second = open_sqlite(executor, {.path = directory.path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason(), Reason::kIo);
  EXPECT_NE(second.error().message().find("data directory " + directory.path() +
                                          " is in use by another k++ process"),
            std::string::npos)
      << second.error().to_string();
  executor.run((*first)->close());
  auto third = open_sqlite(executor, {.path = directory.path()});
  ASSERT_TRUE(third) << third.error().to_string();
  executor.run((*third)->close());
}

TEST(DirectoryTest, AFileThatIsNoDatabaseIsCorruptWithAdvice) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(fs::write_file_atomic(data_file(directory.path()), std::string(9000, 'x')).ok());
  PumpExecutor executor;
  const auto opened = open_sqlite(executor, {.path = directory.path()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason(), Reason::kCorrupt);
  EXPECT_NE(opened.error().message().find("restore the directory from a backup"), std::string::npos)
      << opened.error().to_string();
}

TEST(DirectoryTest, ADamagedTableIsCorrupt) {
  const TemporaryDirectory directory;
  PumpExecutor executor;
  auto store = open_sqlite(executor, {.path = directory.path()});
  ASSERT_TRUE(store);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(executor.run((*store)->write(
        {.key = cat("/k", i), .value = std::make_shared<const std::string>(100, 'x')}, {})));
  }
  executor.run((*store)->close());
  const int fd = ::open(data_file(directory.path()).c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const std::string garbage(4096, '\xee');
  for (off_t page = 1; page < 10; ++page) {
    ASSERT_EQ(::pwrite(fd, garbage.data(), garbage.size(), page * 4096), 4096);
  }
  ::close(fd);
  const auto opened = open_sqlite(executor, {.path = directory.path()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason(), Reason::kCorrupt) << opened.error().to_string();
}

TEST(DirectoryTest, SomeoneElsesDatabaseIsRefused) {
  const TemporaryDirectory directory;
  ASSERT_TRUE(fs::write_file_atomic(data_file(directory.path()), "").ok());
  {
    auto other = Connection::open(data_file(directory.path()), Connection::Use::kWrite);
    ASSERT_TRUE(other);
    ASSERT_TRUE(other->execute("CREATE TABLE songs(name TEXT)").ok());
  }
  const auto opened = open_data_file(directory.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().reason(), Reason::kCorrupt);
  EXPECT_NE(opened.error().message().find("is no k++ store"), std::string::npos);
}

TEST(DirectoryTest, ANewerFormatIsRefused) {
  const TemporaryDirectory directory;
  {
    auto connection = open_data_file(directory.path());
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute("PRAGMA user_version=2").ok());
  }
  const auto opened = open_data_file(directory.path());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("has format 2"), std::string::npos);
}

}  // namespace
}  // namespace kpp::store::testing
