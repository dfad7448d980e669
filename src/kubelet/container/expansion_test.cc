#include "kubelet/container/expansion.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

std::optional<std::string> known(const std::string& name) {
  if (name == "A") return "a";
  return std::nullopt;
}

TEST(Expansion, ReplacesKnownNames) { EXPECT_EQ(expand("x-$(A)-y", known), "x-a-y"); }

TEST(Expansion, LeavesUnknownNames) { EXPECT_EQ(expand("$(B)", known), "$(B)"); }

TEST(Expansion, TwoDollarsAreOne) { EXPECT_EQ(expand("$$(A)", known), "$(A)"); }

TEST(Expansion, LeavesWhatIsNoReference) {
  EXPECT_EQ(expand("$A $ $(A", known), "$A $ $(A");
  EXPECT_EQ(expand("end$", known), "end$");
}

TEST(Expansion, NamesTheFirstMissing) {
  EXPECT_EQ(missing_names("$(A)$(C)$(B)", known), (std::set<std::string>{"B", "C"}));
  EXPECT_TRUE(missing_names("$(A)", known).empty());
}

}  // namespace
}  // namespace kpp::kubelet
