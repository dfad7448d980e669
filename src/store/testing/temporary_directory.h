// A directory for one test, removed with it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "base/check.h"
#include "base/fs.h"

namespace kpp::store::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(::testing::TempDir() + "kpp-store-XXXXXX") {
    KPP_CHECK(::mkdtemp(path_.data()) != nullptr, "no temporary directory ", path_);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { (void)fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace kpp::store::testing
