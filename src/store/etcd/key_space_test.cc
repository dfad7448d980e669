#include "store/etcd/key_space.h"

#include <gtest/gtest.h>

namespace kpp::store {
namespace {

TEST(KeySpace, KeysGoOutUnderThePrefixAndComeBack) {
  const KeySpace keys{"/registry", "/clusters/one"};
  EXPECT_EQ(keys.outward("/registry/pods/default/web"), "/clusters/one/pods/default/web");
  EXPECT_EQ(keys.inward("/clusters/one/pods/default/web"), "/registry/pods/default/web");
  EXPECT_EQ(keys.inward("/clusters/two/pods/default/web"), std::nullopt);
  EXPECT_EQ(keys.outward("/other"), std::nullopt);
}

TEST(KeySpace, APrefixOfAllKeysIsTheWholeOfOurs) {
  const KeySpace keys{"/registry", "/clusters/one"};
  EXPECT_EQ(keys.outward_prefix(""), "/clusters/one");
  EXPECT_EQ(keys.outward_prefix("/reg"), "/clusters/one");
  EXPECT_EQ(keys.outward_prefix("/registry/pods/"), "/clusters/one/pods/");
  EXPECT_EQ(keys.outward_prefix("/other"), std::nullopt);
}

TEST(KeySpace, TheEndOfAPrefixIsBehindEveryKeyThatBeginsSo) {
  EXPECT_EQ(end_of_prefix("/a/"), "/a0");
  EXPECT_EQ(end_of_prefix("a\xff\xff"), "b");
  EXPECT_EQ(end_of_prefix("\xff"), std::string(1, '\0'));
  EXPECT_EQ(end_of_prefix(""), std::string(1, '\0'));
}

}  // namespace
}  // namespace kpp::store
