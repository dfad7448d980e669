#include "api/selectors.h"

#include <gtest/gtest.h>

namespace kpp::api {
namespace {

bool matches(std::string_view selector, const Labels& labels) {
  const auto parsed = LabelSelector::parse(selector);
  EXPECT_TRUE(parsed) << parsed.error().message();
  return parsed && parsed->matches(labels);
}

TEST(LabelSelector, ComparesAndTestsMembership) {
  const Labels labels{{"even", "yes"}, {"n", "2"}};
  EXPECT_TRUE(matches("", labels));
  EXPECT_TRUE(matches("even=yes,n==2", labels));
  EXPECT_FALSE(matches("even!=yes", labels));
  EXPECT_TRUE(matches("even in (yes, no),n notin (0,1)", labels));
  EXPECT_TRUE(matches("other notin (a)", labels));
  EXPECT_TRUE(matches("even", labels));
  EXPECT_FALSE(matches("!even", labels));
  EXPECT_TRUE(matches("n>1,n<3", labels));
  EXPECT_FALSE(matches("even=", labels));
}

TEST(LabelSelector, RefusesWhatItCannotRead) {
  EXPECT_FALSE(LabelSelector::parse("a in"));
  EXPECT_FALSE(LabelSelector::parse("a=b,"));
  EXPECT_FALSE(LabelSelector::parse("a b"));
  EXPECT_FALSE(LabelSelector::parse("a=b c"));
  EXPECT_FALSE(LabelSelector::parse("n>x"));
  EXPECT_FALSE(LabelSelector::parse("-a"));
}

TEST(LabelSelector, WritesItselfInOrderOfKeys) {
  EXPECT_EQ(LabelSelector::parse("b,a=1,c in (y,x),!d")->to_string(), "a=1,b,c in (x,y),!d");
}

TEST(LabelSelector, AbsentSelectorsMatchNothing) {
  EXPECT_FALSE(LabelSelector::from(Opt<metav1::LabelSelector>())->matches({}));
  metav1::LabelSelector selector;
  EXPECT_TRUE(LabelSelector::from(selector)->matches({{"a", "b"}}));
  selector.match_labels["a"] = "b";
  EXPECT_TRUE(LabelSelector::from(selector)->matches({{"a", "b"}}));
  EXPECT_FALSE(LabelSelector::from(selector)->matches({}));
}

TEST(FieldSelector, ReadsTerms) {
  const auto selector = FieldSelector::parse("metadata.name=a\\,b,spec.nodeName!=,x==y");
  ASSERT_TRUE(selector);
  ASSERT_EQ(selector->terms.size(), 3U);
  EXPECT_EQ(selector->terms[0].value, "a,b");
  EXPECT_FALSE(selector->terms[1].equals);
  EXPECT_EQ(selector->terms[1].value, "");
  EXPECT_EQ(*selector->required("x"), "y");
  EXPECT_EQ(FieldSelector::parse("abc").error().message(),
            "invalid selector: 'abc'; can't understand 'abc'");
}

}  // namespace
}  // namespace kpp::api
