#include "images/tar.h"

#include <gtest/gtest.h>

#include "base/fs.h"
#include "base/ids.h"
#include "linux/process.h"

namespace kpp::images {
namespace {

// The system's tar is the judge.
std::string listed(const std::string& archive) {
  sys::ProcessSpec spec;
  spec.argv = {"tar", "tvf", "-"};
  spec.input = archive;
  spec.environment = {"TZ=UTC", "PATH=/usr/bin:/bin"};
  const auto result = sys::run_process(spec);
  return result ? cat(result->out, result->err) : result.error().to_string();
}

TEST(Tar, EntriesAreReadByTar) {
  TarWriter tar;
  ASSERT_TRUE(tar.add_directory("/etc").ok());
  ASSERT_TRUE(tar.add_file("/etc/motd", "hello\n", 0640).ok());
  ASSERT_TRUE(tar.add_link("/bin/sh", "busybox").ok());
  EXPECT_EQ(listed(tar.finish()),
            "drwxr-xr-x 0/0               0 1970-01-01 00:00 etc/\n"
            "-rw-r----- 0/0               6 1970-01-01 00:00 etc/motd\n"
            "lrwxrwxrwx 0/0               0 1970-01-01 00:00 bin/sh -> busybox\n");
}

TEST(Tar, LongPathIsSplitAtASlash) {
  const std::string path = cat(std::string(90, 'a'), "/", std::string(60, 'b'));
  TarWriter tar;
  ASSERT_TRUE(tar.add_file(path, "").ok());
  EXPECT_NE(listed(tar.finish()).find(path), std::string::npos);
}

TEST(Tar, PathThatCannotBeSplitIsInvalid) {
  TarWriter tar;
  EXPECT_TRUE(tar.add_file(std::string(120, 'a'), "").is(Reason::kInvalid));
}

}  // namespace
}  // namespace kpp::images
