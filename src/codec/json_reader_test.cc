#include "codec/json_reader.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace kpp::json {
namespace {

// Everything that a reader visits, as text.
std::string visit(Reader& reader) {
  std::string out;
  switch (reader.kind()) {
    case Reader::Kind::kObject:
      reader.members([&](std::string_view name) {
        const std::string kept(name);
        const std::string value = visit(reader);
        out += cat(kept, "=", value, ";");
      });
      return cat("{", out, "}");
    case Reader::Kind::kArray:
      reader.items([&] { out += cat(visit(reader), ";"); });
      return cat("[", out, "]");
    case Reader::Kind::kString:
      return std::string(reader.text());
    default:
      return reader.compact();
  }
}

std::string visit(std::string_view text) {
  Reader reader(text);
  std::string out = visit(reader);
  const Status status = reader.finish();
  return status.ok() ? out : std::string(status.message());
}

TEST(JsonReader, VisitsWhatTheTextHolds) {
  EXPECT_EQ(visit(R"( {"a" : [1, "x\ty", null, {}] , "b\n":{"c":true}} )"),
            "{a=[1;x\ty;null;{};];b\n={c=true;};}");
  EXPECT_EQ(visit("[]"), "[]");
  EXPECT_EQ(visit("7"), "7");
}

TEST(JsonReader, WhatIsNotVisitedIsSkippedWhole) {
  Reader reader(R"({"skip":{"a":[1,{"b":"]}"}],"c":[]},"keep":5,"last":[[]]})");
  std::int64_t kept = 0;
  reader.members([&](std::string_view name) {
    if (name == "keep") kept = *reader.if_int64();
  });
  EXPECT_TRUE(reader.finish().ok());
  EXPECT_EQ(kept, 5);
}

TEST(JsonReader, RefusesWhatTheParserRefusesInItsWords) {
  for (const std::string_view text : {"",
                                      "{",
                                      "[",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{\"a\" 1}",
                                      "{\"a\":1 \"b\":2}",
                                      "[1 2]",
                                      "tru",
                                      "nul",
                                      "[1]]",
                                      "{1:2}",
                                      "\"a",
                                      "\"\\q\"",
                                      "01",
                                      "1.",
                                      "-",
                                      "1e",
                                      "[1e999]",
                                      "{\"a\":{\"b\":[}}",
                                      "{\"a\":[1,{\"b\":tru}]}"}) {
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(visit(text), parsed.error().message()) << text;
    // Skipped instead of visited.
    Reader reader(text);
    EXPECT_EQ(reader.finish().message(), parsed.error().message()) << text;
  }
}

TEST(JsonReader, DeepTextEndsInAnErrorNotInTheStack) {
  const std::string deep = std::string(100'000, '[');
  Reader skipped(deep);
  EXPECT_EQ(skipped.finish().message(), "exceeded max depth");
  EXPECT_EQ(visit(deep), "exceeded max depth");
  const std::string fits = std::string(1000, '[') + std::string(1000, ']');
  Reader reader(fits);
  EXPECT_TRUE(reader.finish().ok());
}

TEST(JsonReader, CompactIsWhatTheWriterWrites) {
  for (const std::string_view text :
       {R"({"f:a":{".":{},"k:{\"name\":\"x\"}":{}}})", R"({ "a" : 1 , "b": [ ] })",
        R"(["<","\u003c","\u00e9","\n"])", "[1.0,1e3,-0,-5,12345678901234567890,0.5]",
        "[true,false,null]", R"("text")", "\"\xff\""}) {
    Reader reader(text);
    EXPECT_EQ(reader.compact(), write(*parse(text))) << text;
    EXPECT_TRUE(reader.finish().ok());
  }
}

}  // namespace
}  // namespace kpp::json
