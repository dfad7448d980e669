#include "api/patch/patch.h"

#include <gtest/gtest.h>

#include "api/appsv1.h"
#include "api/corev1.h"

namespace kpp::api {
namespace {

json::Value doc(std::string_view text) { return *json::parse(text); }
std::string text_of(const Result<json::Value>& result) {
  return result ? json::write(*result) : result.error().message();
}
std::string strategic(std::string_view document, std::string_view patch) {
  return text_of(apply_strategic_patch(doc(document), doc(patch), corev1::PodSpec::desc()));
}

TEST(JsonPatch, DoesOperationsInOrder) {
  EXPECT_EQ(
      text_of(apply_json_patch(
          doc(R"({"data":{"a":"1","b":"2"},"l":[1]})"),
          doc(R"([{"op":"test","path":"/data/a","value":"1"},{"op":"remove","path":"/data/b"},)"
              R"({"op":"copy","from":"/data/a","path":"/data/c"},{"op":"add","path":"/l/-","value":2},)"
              R"({"op":"add","path":"/l/0","value":0},{"op":"replace","path":"/data/x~1y","value":"n"}])"))),
      R"({"data":{"a":"1","c":"1","x/y":"n"},"l":[0,1,2]})");
}

TEST(JsonPatch, RefusesWhatFails) {
  const auto failed = apply_json_patch(doc("{}"), doc(R"([{"op":"remove","path":"/a"}])"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), 422);
  EXPECT_EQ(failed.error().message(),
            "the server rejected our request due to an error in our request");
  EXPECT_EQ(text_of(apply_json_patch(doc("{}"), doc("[1]"))),
            "error decoding patch: json: cannot unmarshal number into Go value of type "
            "handlers.jsonPatchOp");
}

TEST(MergePatch, NullsRemove) {
  EXPECT_EQ(text_of(apply_merge_patch(doc(R"({"a":{"b":1,"c":2},"d":[1,2]})"),
                                      doc(R"({"a":{"b":null,"e":{"f":null,"g":1}},"d":[3]})"))),
            R"({"a":{"c":2,"e":{"g":1}},"d":[3]})");
}

TEST(StrategicPatch, ListsMergeByKey) {
  EXPECT_EQ(strategic(R"({"containers":[{"name":"a","image":"1","args":["x"]},{"name":"b"}]})",
                      R"({"containers":[{"name":"a","image":"2","args":["y"]}]})"),
            R"({"containers":[{"name":"a","image":"2","args":["y"]},{"name":"b"}]})");
  EXPECT_EQ(strategic(R"({"containers":[{"name":"a"},{"name":"b"}]})",
                      R"({"containers":[{"name":"b","$patch":"delete"}]})"),
            R"({"containers":[{"name":"a"}]})");
}

TEST(StrategicPatch, OrderFollowsTheDirective) {
  EXPECT_EQ(strategic(R"({"containers":[{"name":"a"},{"name":"b"}]})",
                      R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]})"),
            R"({"containers":[{"name":"b"},{"name":"a"}]})");
  EXPECT_EQ(
      strategic(
          R"({"containers":[{"name":"a"}]})",
          R"({"$setElementOrder/containers":[{"name":"a"}],"containers":[{"name":"q","image":"x"}]})"),
      "The order in patch list:\n[map[image:x name:q]]\n doesn't match $setElementOrder "
      "list:\n[map[name:a]]\n");
}

TEST(StrategicPatch, MapsObeyDirectives) {
  EXPECT_EQ(strategic(R"({"nodeSelector":{"a":"1"}})",
                      R"({"nodeSelector":{"$patch":"replace","z":"9"}})"),
            R"({"nodeSelector":{"z":"9"}})");
  EXPECT_EQ(strategic(R"({"nodeSelector":{"a":"1"}})", R"({"nodeSelector":{"$patch":"bogus"}})"),
            "unknown patch type: bogus in map: map[$patch:bogus]");
  EXPECT_EQ(
      strategic(R"({"volumes":[{"name":"w","configMap":{"name":"w"}}]})",
                R"({"volumes":[{"name":"w","$retainKeys":["name","emptyDir"],"emptyDir":{}}]})"),
      R"({"volumes":[{"name":"w","emptyDir":{}}]})");
}

TEST(StrategicPatch, WhatAPatchTakesAwayNeedNotBeAmongTheRetainedKeys) {
  EXPECT_EQ(strategic(R"({"volumes":[{"name":"w","emptyDir":{}}]})",
                      R"({"volumes":[{"name":"w","$retainKeys":["name","configMap"],"emptyDir":null,
                          "configMap":{"name":"w"}}]})"),
            R"({"volumes":[{"name":"w","configMap":{"name":"w"}}]})");
}

TEST(StrategicPatch, DirectivesOnWhatIsNotThereLeaveNothing) {
  EXPECT_EQ(
      strategic(R"({"dnsPolicy":"Default"})", R"({"nodeSelector":{"$patch":"merge","y":"8"}})"),
      R"({"dnsPolicy":"Default"})");
  EXPECT_EQ(strategic(R"({"dnsPolicy":"Default"})",
                      R"({"containers":[{"name":"a","$patch":"delete"},{"name":"b"}]})"),
            R"({"dnsPolicy":"Default","containers":[{"name":"b"}]})");
}

TEST(StrategicPatch, MapsKnowNoMergeDirective) {
  EXPECT_EQ(
      strategic(R"({"nodeSelector":{"a":"1"}})", R"({"nodeSelector":{"$patch":"merge","b":"2"}})"),
      "unknown patch type: merge in map: map[$patch:merge b:2]");
}

TEST(StrategicPatch, PrimitiveListsMergeAndLoseValues) {
  const auto patched = [](std::string_view patch) {
    return text_of(apply_strategic_patch(doc(R"({"metadata":{"finalizers":["a","b"]}})"),
                                         doc(patch), appsv1::Deployment::desc()));
  };
  EXPECT_EQ(patched(R"({"metadata":{"finalizers":["b","c"]}})"),
            R"({"metadata":{"finalizers":["a","b","c"]}})");
  EXPECT_EQ(patched(R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["b"]}})"),
            R"({"metadata":{"finalizers":["a"]}})");
}

}  // namespace
}  // namespace kpp::api
