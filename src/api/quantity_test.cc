#include "api/quantity.h"

#include <gtest/gtest.h>

namespace kpp::api {
namespace {

std::string canonical(std::string_view text) {
  const auto amount = Amount::parse(text);
  return amount ? amount->to_string() : amount.error().message();
}

TEST(Quantity, CanonicalTextHasTheGreatestSuffixWithoutFraction) {
  EXPECT_EQ(canonical("0.25"), "250m");
  EXPECT_EQ(canonical("1000000"), "1M");
  EXPECT_EQ(canonical("1.5Gi"), "1536Mi");
  EXPECT_EQ(canonical("1024Mi"), "1Gi");
  EXPECT_EQ(canonical("1E"), "1E");
  EXPECT_EQ(canonical("1e3"), "1e3");
  EXPECT_EQ(canonical("12e6"), "12e6");
  EXPECT_EQ(canonical("100Ki"), "100Ki");
  EXPECT_EQ(canonical("0.5Ki"), "512");
  EXPECT_EQ(canonical("-1.5"), "-1500m");
  EXPECT_EQ(canonical("0"), "0");
  EXPECT_EQ(canonical("0.0000000001"), "1n");
  EXPECT_EQ(canonical("+7"), "7");
}

TEST(Quantity, RoundsUp) {
  EXPECT_EQ(Amount::parse("1500m")->value(), 2);
  EXPECT_EQ(Amount::parse("0.0001")->milli_value(), 1);
  EXPECT_EQ(Amount::parse("0.0001")->round_up(-3).to_string(), "1m");
  EXPECT_EQ(Amount::parse("9E")->value(), 9'000'000'000'000'000'000);
  EXPECT_EQ(Amount::parse("100E")->value(), INT64_MAX);
}

TEST(Quantity, Computes) {
  EXPECT_EQ((*Amount::parse("1Gi") + *Amount::parse("1Gi")).to_string(), "2Gi");
  EXPECT_EQ((*Amount::parse("1") - *Amount::parse("100m")).to_string(), "900m");
  EXPECT_LT(*Amount::parse("1G"), *Amount::parse("1Gi"));
  EXPECT_EQ(compare(Quantity("1000m"), Quantity("1")), 0);
}

TEST(Quantity, RefusesWhatIsNone) {
  for (const auto* text : {"", "1x", "1GiB", "abc", "1 "}) {
    EXPECT_EQ(canonical(text),
              "quantities must match the regular expression "
              "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  }
  EXPECT_EQ(canonical("1Ku"), "unable to parse quantity's suffix");
}

TEST(Quantity, DecodingGivesTheCanonicalText) {
  EXPECT_EQ(*decode_quantity(" 1024Mi "), "1Gi");
  EXPECT_EQ(*decode_quantity("1.5Gi"), "1536Mi");
}

}  // namespace
}  // namespace kpp::api
