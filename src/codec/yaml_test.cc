#include "codec/yaml.h"

#include <gtest/gtest.h>

namespace kpp::yaml {
namespace {

std::string to_json(std::string_view text) {
  const auto parsed = parse(text);
  return parsed ? json::write(*parsed) : parsed.error().message();
}

std::string from_json(std::string_view text) { return write(*json::parse(text)); }

TEST(Yaml, ScalarsResolveAsInYaml11) {
  EXPECT_EQ(
      to_json("a: yes\nb: \"yes\"\nc: 0x1F\nd: 010\ne: 1_000\nf: 1e3\ng: .5\nh: ~\ni:\nj: "
              "2001-12-14\nk: -7\n"),
      R"({"a":true,"b":"yes","c":31,"d":8,"e":1000,"f":1000,"g":0.5,"h":null,"i":null,"j":"2001-12-14","k":-7})");
  EXPECT_EQ(to_json("1: a\ntrue: b\n1.5: c\n"), R"({"1":"a","true":"b","1.5":"c"})");
  EXPECT_EQ(to_json("a: !!str 12\nb: 1.2.3\nc: 1Gi\nd: '5'\n"),
            R"({"a":"12","b":"1.2.3","c":"1Gi","d":"5"})");
}

TEST(Yaml, CollectionsAnchorsAndMergesAreRead) {
  EXPECT_EQ(to_json("a:\n- x\n- {b: 1, c: [2, 3]}\n"), R"({"a":["x",{"b":1,"c":[2,3]}]})");
  EXPECT_EQ(to_json("base: &b {x: 1, z: 2}\nuse:\n  <<: *b\n  z: 3\n"),
            R"({"base":{"x":1,"z":2},"use":{"z":3,"x":1}})");
  EXPECT_EQ(to_json("a: |\n  one\n  two\n"), R"({"a":"one\ntwo\n"})");
  EXPECT_EQ(to_json(""), "null");
}

TEST(Yaml, ErrorsReadAsThoseOfTheOriginal) {
  EXPECT_EQ(to_json("a: b: c"),
            "error converting YAML to JSON: yaml: mapping values are not allowed in this context");
  EXPECT_EQ(to_json("x: 1\na: b: c"),
            "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this "
            "context");
  EXPECT_EQ(to_json("a: ["),
            "error converting YAML to JSON: yaml: line 1: did not find expected node content");
  EXPECT_EQ(to_json("a: *b"), "error converting YAML to JSON: yaml: unknown anchor 'b' referenced");
}

TEST(Yaml, AnchorsThatMultiplyAreRefused) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'j'; ++c) {
    const char before = static_cast<char>(c - 1);
    bomb += cat(c, ": &", c, " [");
    for (int i = 0; i < 10; ++i) bomb += cat(i == 0 ? "*" : ", *", before);
    bomb += "]\n";
  }
  EXPECT_EQ(to_json(bomb),
            "error converting YAML to JSON: yaml: document contains excessive aliasing");
}

TEST(Yaml, AllDocumentsOfAStreamAreRead) {
  const auto all = parse_all("---\na: 1\n---\n---\nb: 2\n...\n");
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(json::write((*all)[1]), R"({"b":2})");
}

TEST(Yaml, WritesInTheStyleOfTheOriginal) {
  EXPECT_EQ(
      from_json(R"({"metadata":{"name":"a","labels":{}},"items":[{"b":1,"a":"x"},[]],"n":null})"),
      "items:\n- a: x\n  b: 1\n- []\nmetadata:\n  labels: {}\n  name: a\n\"n\": null\n");
  EXPECT_EQ(
      from_json(
          R"({"a":"1","b":"true","c":"","d":"x: y","e":"l1\nl2\n","f":"2024-01-01T00:00:00Z","g":"yes"})"),
      "a: \"1\"\nb: \"true\"\nc: \"\"\nd: 'x: y'\ne: |\n  l1\n  l2\nf: "
      "\"2024-01-01T00:00:00Z\"\ng: \"yes\"\n");
  EXPECT_EQ(from_json(R"({"a10":1,"a9":2,"a":3})"), "a: 3\na9: 2\na10: 1\n");
}

TEST(Yaml, WhatIsWrittenReadsBack) {
  const std::string text =
      R"({"a":"\u0001\t \"q\" 'p'","b":[1.5,-3,true,null,"null","~","0x1","1:20","="],"c":" lead","d":"# no comment","e":"é😀"})";
  EXPECT_EQ(to_json(from_json(text)), text);
}

TEST(Yaml, KeysThatStandTwiceAreNamedByTheLineOfTheirValue) {
  std::vector<std::string> duplicates;
  const auto value = parse("a: 1\nb:\n  c: 1\n  c: 2\n", {&duplicates});
  ASSERT_TRUE(value);
  EXPECT_EQ(json::write(*value), R"({"a":1,"b":{"c":2}})");
  EXPECT_EQ(duplicates, std::vector<std::string>{"line 4: key \"c\" already set in map"});
}

}  // namespace
}  // namespace kpp::yaml
