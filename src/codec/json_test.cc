#include "codec/json.h"

#include <gtest/gtest.h>

namespace kpp::json {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse(text);
  return parsed ? "parsed" : parsed.error().message();
}

std::string round_trip(std::string_view text) {
  const auto parsed = parse(text);
  return parsed ? write(*parsed) : parsed.error().message();
}

TEST(Json, ErrorsReadAsThoseOfTheOriginal) {
  EXPECT_EQ(error_of("{"), "unexpected end of JSON input");
  EXPECT_EQ(error_of(""), "unexpected end of JSON input");
  EXPECT_EQ(error_of("\"abc"), "unexpected end of JSON input");
  EXPECT_EQ(error_of("-"), "unexpected end of JSON input");
  EXPECT_EQ(error_of("tru"), "unexpected end of JSON input");
  EXPECT_EQ(error_of(R"({"metadata":{"name":"a"}} trailing)"),
            "invalid character 't' after top-level value");
  EXPECT_EQ(error_of(R"({"a":"a",})"),
            "invalid character '}' looking for beginning of object key string");
  EXPECT_EQ(error_of("{'a': 1}"),
            R"(invalid character '\'' looking for beginning of object key string)");
  EXPECT_EQ(error_of("{bad"), "invalid character 'b' looking for beginning of object key string");
  EXPECT_EQ(error_of("- op: add"), "invalid character ' ' in numeric literal");
  EXPECT_EQ(error_of("x"), "invalid character 'x' looking for beginning of value");
  EXPECT_EQ(error_of("[1 2]"), "invalid character '2' after array element");
  EXPECT_EQ(error_of("[1,]"), "invalid character ']' looking for beginning of value");
  EXPECT_EQ(error_of(R"({"a" 1})"), "invalid character '1' after object key");
  EXPECT_EQ(error_of(R"({"a":1 "b":2})"), R"(invalid character '"' after object key:value pair)");
  EXPECT_EQ(error_of("\"a\nb\""), R"(invalid character '\n' in string literal)");
  EXPECT_EQ(error_of(R"("\x")"), "invalid character 'x' in string escape code");
  EXPECT_EQ(error_of(R"("\u12g4")"), "invalid character 'g' in \\u hexadecimal character escape");
  EXPECT_EQ(error_of("txue"), "invalid character 'x' in literal true (expecting 'r')");
  EXPECT_EQ(error_of("nul1"), "invalid character '1' in literal null (expecting 'l')");
  EXPECT_EQ(error_of("1.x"), "invalid character 'x' after decimal point in numeric literal");
  EXPECT_EQ(error_of("1e+x"), "invalid character 'x' in exponent of numeric literal");
  EXPECT_EQ(error_of("01"), "invalid character '1' after top-level value");
  EXPECT_EQ(error_of("\xc3\xa9"), "invalid character 'Ã' looking for beginning of value");
  EXPECT_EQ(error_of("1e999"), "json: cannot unmarshal number 1e999 into Go value of type float64");
}

TEST(Json, NumbersStayExactAndFloatsAreWrittenAsGoWritesThem) {
  EXPECT_EQ(round_trip("[9223372036854775807,-9223372036854775808,18446744073709551615]"),
            "[9223372036854775807,-9223372036854775808,18446744073709551615]");
  EXPECT_EQ(round_trip("[1.0,1.5,100.0,0.1,1e-7,1e21,1e20,123456789012345680000.0,-2.5e-9]"),
            "[1,1.5,100,0.1,1e-7,1e+21,100000000000000000000,123456789012345680000,-2.5e-9]");
  EXPECT_EQ(round_trip("1e-400"), "0");
}

TEST(Json, StringsAreEscapedAsGoDoes) {
  EXPECT_EQ(round_trip(R"("<a>&\u2028\u0001\"\\\/é\ud83d\ude00")"),
            R"("\u003ca\u003e\u0026\u2028\u0001\"\\/é😀")");
  EXPECT_EQ(round_trip("\"a\xff"
                       "b\""),
            "\"a\xEF\xBF\xBD"
            "b\"");
  EXPECT_EQ(round_trip(R"("\ud800x")"), "\"\xEF\xBF\xBDx\"");
  EXPECT_EQ(write(Value("\xff")), R"("\ufffd")");
}

TEST(Json, MembersKeepTheirOrderAndTheLastDuplicateWins) {
  std::vector<std::string> duplicates;
  const auto parsed =
      parse(R"({"b":1,"a":{"name":"x","name":"y","name":"z"},"c":[{"k":1},{"k":1,"k":2}],"b":3})",
            {.duplicates = &duplicates});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(write(*parsed), R"({"b":3,"a":{"name":"z"},"c":[{"k":1},{"k":2}]})");
  EXPECT_EQ(duplicates, (std::vector<std::string>{"a.name", "c[1].k", "b"}));

  // Many names, names with escapes, and names of an object that is around another.
  std::string many = R"({"first":{"x":1,"y":2},"\u0061b":0)";
  for (int i = 0; i < 40; ++i) many += cat(",\"n", i, "\":{\"x\":", i, "}");
  duplicates.clear();
  (void)parse(many + "}", {.duplicates = &duplicates});
  EXPECT_EQ(duplicates, std::vector<std::string>{});
  (void)parse(many + R"(,"first":1,"ab":1,"n39":1})", {.duplicates = &duplicates});
  EXPECT_EQ(duplicates, (std::vector<std::string>{"first", "ab", "n39"}));
}

TEST(Json, DepthIsLimited) {
  const std::string deep(2000, '[');
  EXPECT_EQ(error_of(deep), "exceeded max depth");
  std::string fits = std::string(900, '[') + std::string(900, ']');
  EXPECT_EQ(round_trip(fits), fits);
}

TEST(Json, PrettyIndentsByTwo) {
  const auto parsed = parse(R"({"a":[1,{"b":{}}],"c":[]})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(write_pretty(*parsed),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": []\n}");
}

TEST(Json, LookUpsFollowDottedPaths) {
  const auto parsed = parse(R"({"spec":{"replicas":3,"name":"x"}})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(int_at(*parsed, "spec.replicas"), 3);
  EXPECT_EQ(int_at(*parsed, "spec.none", 7), 7);
  EXPECT_EQ(text_at(*parsed, "spec.name"), "x");
  EXPECT_EQ(text_at(*parsed, "spec.name.deeper"), "");
  EXPECT_EQ(find(*parsed, "status"), nullptr);
}

}  // namespace
}  // namespace kpp::json
