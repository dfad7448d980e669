#include "store/sqlite/key_index.h"

#include <gtest/gtest.h>

namespace kpp::store {
namespace {

void put(KeyIndex& index, std::string key, Revision revision, Revision created) {
  index.apply({{std::move(key), {revision, created}}});
}

std::vector<Revision> prune_all(KeyIndex& index, Revision upto) {
  std::vector<Revision> out;
  std::optional<std::string> cursor;
  do {
    const auto some = index.prune(upto, cursor, 1);
    out.insert(out.end(), some.begin(), some.end());
  } while (cursor);
  return out;
}

TEST(KeyIndexTest, FindsTheVersionOfARevision) {
  KeyIndex index;
  put(index, "a", 2, 2);
  put(index, "a", 5, 2);
  put(index, "a", 7, 0);
  EXPECT_FALSE(index.find("a", 1));
  EXPECT_EQ(index.find("a", 4)->revision, 2);
  EXPECT_EQ(index.find("a", 6)->revision, 5);
  EXPECT_FALSE(index.find("a", 7));
  EXPECT_TRUE(index.newest("a").deleted());
}

TEST(KeyIndexTest, PruningKeepsTheNewestAndForgetsDeletions) {
  KeyIndex index;
  put(index, "a", 1, 1);
  put(index, "b", 2, 2);
  put(index, "a", 3, 1);
  put(index, "b", 4, 0);
  put(index, "a", 5, 1);
  EXPECT_EQ(prune_all(index, 4), (std::vector<Revision>{1, 2, 4}));
  EXPECT_EQ(index.find("a", 4)->revision, 3);
  EXPECT_EQ(index.find("a", 5)->revision, 5);
  EXPECT_EQ(index.newest("b").revision, 0);
  EXPECT_TRUE(prune_all(index, 4).empty());
}

TEST(KeyIndexTest, CountsAndCollectsAfterAKey) {
  KeyIndex index;
  for (Revision i = 1; i <= 9; ++i) put(index, "k" + std::to_string(i), i, i);
  put(index, "l", 10, 10);
  EXPECT_EQ(index.count("k", "k3", 10), 6);
  EXPECT_EQ(index.count("k", "", 5), 5);
  const auto found = index.collect("k", "k3", 10, 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].key, "k4");
  EXPECT_EQ(index.collect("", "", 10, 100).size(), 10u);
}

}  // namespace
}  // namespace kpp::store
