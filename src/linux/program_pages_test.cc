#include "linux/program_pages.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <numeric>
#include <string>

namespace kpp::sys {
namespace {

// Constants of half a megabyte, so that they are seen among all else that the program has.
alignas(4096) constexpr std::array<unsigned char, 1 << 19> kConstants = {1, 2, 3};
int written = 1;

// The pages are read one by one, and the compiler does not know what they hold.
std::uint64_t sum() {
  const volatile unsigned char* at = kConstants.data();
  return std::accumulate(at, at + kConstants.size(), std::uint64_t{0});
}

// Kilobytes that are resident of the mapping that holds the address.
long resident_around(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    const auto dash = line.find('-');
    if (dash != std::string::npos && dash < 20 && line.find(':') > dash) {
      inside = std::stoull(line.substr(0, dash), nullptr, 16) <= at &&
               at < std::stoull(line.substr(dash + 1), nullptr, 16);
    } else if (inside && line.starts_with("Rss:")) {
      return std::stol(line.substr(4));
    }
  }
  return -1;
}

TEST(ProgramPages, WhatIsGivenBackIsNotResidentAndReadsAsBefore) {
  const std::uint64_t before = sum();
  const long resident = resident_around(kConstants.data());
  ASSERT_GE(resident, 512);
  EXPECT_GT(give_back_program_pages(), sizeof kConstants);
  EXPECT_LE(resident_around(kConstants.data()), resident - 400);
  EXPECT_EQ(sum(), before);
}

TEST(ProgramPages, WhatWasWrittenStays) {
  written = 7;
  give_back_program_pages();
  EXPECT_EQ(written, 7);
}

}  // namespace
}  // namespace kpp::sys
