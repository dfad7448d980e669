#include "controllers/job/index_set.h"

#include <gtest/gtest.h>

namespace kpp::controllers {
namespace {

TEST(IndexSet, ReadsWhatItWrites) {
  for (const auto* text : {"", "0", "0,1", "0-2", "1,3-5,7,8"}) {
    EXPECT_EQ(IndexSet::parse(text, 10).to_string(), text);
  }
}

TEST(IndexSet, LeavesOutWhatIsTooHighAndWhatIsNoNumber) {
  EXPECT_EQ(IndexSet::parse("0,2-9,12", 4).to_string(), "0,2,3");
  EXPECT_EQ(IndexSet::parse("x,1,5-2,-3", 9).to_string(), "1");
}

TEST(IndexSet, InsertJoinsNeighbours) {
  IndexSet set;
  for (const int i : {4, 2, 0, 3, 1, 3}) set.insert(i);
  EXPECT_EQ(set.to_string(), "0-4");
  EXPECT_EQ(set.size(), 5);
  EXPECT_TRUE(set.contains(4));
  EXPECT_FALSE(set.contains(5));
}

TEST(IndexSet, CountsWhatIsInBoth) {
  EXPECT_EQ(IndexSet::parse("0-3,6", 9).common_with(IndexSet::parse("2-7", 9)), 3);
}

}  // namespace
}  // namespace kpp::controllers
