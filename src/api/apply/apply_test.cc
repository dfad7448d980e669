#include "api/apply/apply.h"

#include <gtest/gtest.h>

#include "api/apply/document.h"
#include "api/appsv1.h"
#include "api/corev1.h"

namespace kpp::api {
namespace {

json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return *value;
}

const MergeType& pod_type() { return merge_type(corev1::Pod::desc()); }
const MergeType& map_type() { return merge_type(corev1::ConfigMap::desc()); }

ApplyContext by(const MergeType& type, std::string manager, bool force = false) {
  return {type, std::move(manager), "v1", "", Time(1'700'000'000, 0), force, {}, {}};
}

Manager updater(std::string name, std::string_view fields) {
  return {std::move(name), false, "v1", "", Time(1'600'000'000, 0), *FieldSet::parse(fields)};
}

std::string fields_of(const Managers& managers, std::string_view name) {
  for (const auto& manager : managers) {
    if (manager.name == name) return manager.fields.to_json();
  }
  return "none";
}

// Applies to `live` in place.
Status apply(json::Value& live, Managers& managers, const ApplyContext& context,
             std::string_view config) {
  KPP_ASSIGN(auto document, apply_document(live, parsed(config), managers, context));
  if (document) live = std::move(*document);
  return {};
}

TEST(Apply, AnApplierOwnsWhatItSaysAndNoMore) {
  json::Value live = parsed(R"({"kind":"ConfigMap","data":{"a":"1"}})");
  Managers managers{updater("u", R"({"f:data":{".":{},"f:a":{}}})")};
  EXPECT_TRUE(apply(live, managers, by(map_type(), "m"),
                    R"({"kind":"ConfigMap","metadata":{"name":"c"},"data":{"b":"2"}})")
                  .ok());
  EXPECT_EQ(json::write(*json::find(live, "data")), R"({"a":"1","b":"2"})");
  EXPECT_EQ(fields_of(managers, "m"), R"({"f:data":{"f:b":{}}})");
  EXPECT_EQ(fields_of(managers, "u"), R"({"f:data":{".":{},"f:a":{}}})");
}

TEST(Apply, AnotherValueOfAnotherManagersFieldIsAConflict) {
  json::Value live = parsed(R"({"data":{"a":"1","b":"1"}})");
  Managers managers{updater("u", R"({"f:data":{"f:a":{},"f:b":{}}})")};
  const Status one = apply(live, managers, by(map_type(), "m"), R"({"data":{"a":"2"}})");
  EXPECT_TRUE(one.is(Reason::kConflict));
  EXPECT_EQ(one.message(), "Apply failed with 1 conflict: conflict with \"u\" using v1: .data.a");
  managers = {updater("u", R"({"f:data":{"f:a":{},"f:b":{}}})")};
  const Status two = apply(live, managers, by(map_type(), "m"), R"({"data":{"b":"2","a":"2"}})");
  EXPECT_EQ(two.message(),
            "Apply failed with 2 conflicts: conflicts with \"u\" using v1:\n- .data.a\n- .data.b");
  ASSERT_EQ(two.details().causes.size(), 2U);
  EXPECT_EQ(two.details().causes[1].field, ".data.b");
}

TEST(Apply, ForceTakesTheFieldFromItsManager) {
  json::Value live = parsed(R"({"data":{"a":"1"}})");
  Managers managers{updater("u", R"({"f:data":{".":{},"f:a":{}}})")};
  EXPECT_TRUE(apply(live, managers, by(map_type(), "m", true), R"({"data":{"a":"2"}})").ok());
  EXPECT_EQ(fields_of(managers, "u"), R"({"f:data":{}})");
  EXPECT_EQ(json::text_at(live, "data.a"), "2");
}

TEST(Apply, WhatAnApplierLeavesOutGoesUnlessAnotherOwnsIt) {
  json::Value live = parsed(R"({"data":{"a":"1","b":"1","c":"1"}})");
  Managers managers{
      updater("u", R"({"f:data":{"f:b":{}}})"),
      {"m", true, "v1", "", std::nullopt, *FieldSet::parse(R"({"f:data":{"f:a":{},"f:b":{}}})")}};
  EXPECT_TRUE(apply(live, managers, by(map_type(), "m"), R"({"data":{}})").ok());
  EXPECT_EQ(json::write(*json::find(live, "data")), R"({"b":"1","c":"1"})");
}

TEST(Apply, AnEqualApplyChangesNothingAndKeepsTheTime) {
  json::Value live = parsed(R"({"data":{"a":"1"}})");
  Managers managers{
      {"m", true, "v1", "", Time(5, 0), *FieldSet::parse(R"({"f:data":{"f:a":{}}})")}};
  const auto document =
      apply_document(live, parsed(R"({"data":{"a":"1"}})"), managers, by(map_type(), "m"));
  ASSERT_TRUE(document);
  EXPECT_FALSE(*document);
  EXPECT_EQ(managers[0].time, Time(5, 0));
}

TEST(Apply, AnItemThatNobodyOwnsAnyMoreGoesWithItsKeys) {
  json::Value live =
      parsed(R"({"spec":{"containers":[{"name":"a","image":"i"},{"name":"b","image":"i"}]}})");
  Managers managers;
  managers.push_back(
      {"m", true, "v1", "", std::nullopt,
       *FieldSet::parse(R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:name":{}},)"
                        R"("k:{\"name\":\"b\"}":{".":{},"f:image":{},"f:name":{}}}}})")});
  EXPECT_TRUE(
      apply(live, managers, by(pod_type(), "m"), R"({"spec":{"containers":[{"name":"a"}]}})").ok());
  EXPECT_EQ(json::write(live), R"({"spec":{"containers":[{"name":"a","image":"i"}]}})");
}

TEST(Apply, KubectlTakesOverWhatItAppliedOnTheClientsSide) {
  json::Value live = parsed(
      R"({"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"v1\",\"data\":{\"a\":\"1\"}}"}},"data":{"a":"1","b":"1"}})");
  Managers managers{updater("kubectl-client-side-apply", R"({"f:data":{"f:a":{},"f:b":{}}})")};
  json::Value before = live;
  EXPECT_TRUE(
      apply(live, managers, by(map_type(), "kubectl"), R"({"apiVersion":"v1","data":{"a":"2"}})")
          .ok());
  EXPECT_EQ(json::text_at(live, "data.a"), "2");
  const auto* annotations = json::find(live, "metadata.annotations");
  ASSERT_NE(annotations, nullptr);
  EXPECT_EQ(
      json::write(*annotations),
      R"({"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"v1\",\"data\":{\"a\":\"2\"}}\n"})");
  managers = {updater("kubectl-client-side-apply", R"({"f:data":{"f:a":{},"f:b":{}}})")};
  EXPECT_EQ(
      apply(before, managers, by(map_type(), "kubectl"), R"({"apiVersion":"v1","data":{"b":"2"}})")
          .message(),
      "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: "
      ".data.b");
}

TEST(Apply, ManagersOfVersionsThatAreNotServedGo) {
  json::Value live = parsed(R"({"data":{"a":"1"}})");
  Manager old = updater("u", R"({"f:data":{"f:a":{}}})");
  old.api_version = "v0";
  Managers managers{std::move(old)};
  EXPECT_TRUE(apply(live, managers, by(map_type(), "m"), R"({"data":{"a":"2"}})").ok());
  EXPECT_EQ(fields_of(managers, "u"), "none");
}

TEST(Documents, ItemsComeInTheOrderOfTheNewList) {
  const json::Value old =
      parsed(R"({"spec":{"containers":[{"name":"c"},{"name":"a"},{"name":"b"}]}})");
  const json::Value now = parsed(R"({"spec":{"containers":[{"name":"x"},{"name":"b"}]}})");
  EXPECT_EQ(json::write(*merge_documents(pod_type(), old, now)),
            R"({"spec":{"containers":[{"name":"c"},{"name":"a"},{"name":"x"},{"name":"b"}]}})");
  const json::Value turned =
      parsed(R"({"spec":{"containers":[{"name":"b"},{"name":"c"},{"name":"a"}]}})");
  EXPECT_EQ(json::write(*merge_documents(pod_type(), old, turned)), json::write(turned));
}

TEST(Documents, AtomicListsAndMapsAreReplaced) {
  const json::Value old =
      parsed(R"({"spec":{"nodeSelector":{"a":"b"},"tolerations":[{"key":"a"}]}})");
  const json::Value now =
      parsed(R"({"spec":{"nodeSelector":{"c":"d"},"tolerations":[{"key":"b"}]}})");
  EXPECT_EQ(json::write(*merge_documents(pod_type(), old, now)), json::write(now));
  EXPECT_EQ(document_fields(pod_type(), now).to_json(),
            R"({"f:spec":{"f:nodeSelector":{},"f:tolerations":{}}})");
}

TEST(Documents, KeysThatAreLeftOutHaveTheirDefaults) {
  const json::Value document = parsed(
      R"({"spec":{"containers":[{"name":"c","ports":[{"containerPort":80},{"containerPort":9,"protocol":"UDP"}]}]}})");
  EXPECT_EQ(
      document_fields(pod_type(), document).to_json(),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:ports":{)"
      R"("k:{\"containerPort\":9,\"protocol\":\"UDP\"}":{".":{},"f:containerPort":{},"f:protocol":{}},)"
      R"("k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}}}})");
}

TEST(Documents, WhatDoesNotFitTheSchemaIsNamedByItsPath) {
  const auto why = [](const MergeType& type, std::string_view text) {
    return check_document(type, parsed(text)).message();
  };
  EXPECT_EQ(why(map_type(), R"({"unknown":1})"), ".unknown: field not declared in schema");
  EXPECT_EQ(why(map_type(), R"({"data":{"a":1}})"),
            ".data.a: expected string, got &value.valueUnstructured{Value:1}");
  EXPECT_EQ(why(pod_type(), R"({"spec":{"containers":{}}})"),
            ".spec.containers: expected list, got &{map[]}");
  EXPECT_EQ(
      why(pod_type(),
          R"({"spec":{"containers":[{"name":"c","ports":[{"containerPort":80},{"containerPort":80}]}]}})"),
      ".spec.containers[name=\"c\"].ports: duplicate entries for key "
      "[containerPort=80,protocol=\"TCP\"]");
  EXPECT_EQ(why(pod_type(), R"({"metadata":{"finalizers":["a","a"]}})"),
            ".metadata.finalizers: duplicate entries for key [=\"a\"]");
  EXPECT_EQ(why(pod_type(), R"({"spec":{"hostNetwork":"x","priority":"y"}})"),
            "errors:\n  .spec.hostNetwork: expected boolean, got &{x}\n  .spec.priority: expected "
            "numeric (int or float), got string");
}

TEST(Documents, NullIsAMember) {
  const json::Value document = parsed(R"({"data":null,"metadata":{"labels":{}}})");
  EXPECT_EQ(document_fields(map_type(), document).to_json(),
            R"({"f:data":{},"f:metadata":{"f:labels":{}}})");
}

TEST(FieldSets, MembersBelowWhatIsAtomicBecomeOne) {
  FieldSet set =
      *FieldSet::parse(R"({"f:spec":{"f:nodeSelector":{".":{},"f:a":{}},"f:hostname":{}}})");
  set.fit(pod_type());
  EXPECT_EQ(set.to_json(), R"({"f:spec":{"f:hostname":{},"f:nodeSelector":{}}})");
}

TEST(FieldSets, OnlyPathsThatAreKeptRemain) {
  FieldSet set = *FieldSet::parse(
      R"({"f:metadata":{"f:labels":{}},"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{},"f:resources":{"f:limits":{}}}}}})");
  ResetFields resets;
  resets.kept = {{"spec", "containers", "*", "resources"}};
  resets.drop(set);
  EXPECT_EQ(
      set.to_json(),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:resources":{"f:limits":{}}}}}})");
}

TEST(FieldSets, TextThatIsNoneIsRefused) {
  for (const auto* text :
       {R"([])", R"({"x":{}})", R"({"k:{":{}})", R"({"v:":{}})", R"({"i:x":{}})", R"({"f:a":1})"}) {
    EXPECT_FALSE(FieldSet::parse(text)) << text;
  }
}

TEST(ScaleManagers, ReplicasGoToWhoScaled) {
  const std::string_view path[] = {"f:spec", "f:replicas"};
  Managers parent{updater("m", R"({"f:spec":{"f:paused":{},"f:replicas":{}}})")};
  parent[0].api_version = "apps/v1";
  Managers scale = scale_managers(parent, path);
  ASSERT_EQ(scale.size(), 1U);
  EXPECT_EQ(scale[0].api_version, "autoscaling/v1");
  scale[0].name = "scaler";
  scale[0].subresource = "scale";
  const Managers back = parent_managers(parent, scale, "apps/v1", path);
  EXPECT_EQ(fields_of(back, "m"), R"({"f:spec":{"f:paused":{}}})");
  EXPECT_EQ(fields_of(back, "scaler"), R"({"f:spec":{"f:replicas":{}}})");
  EXPECT_FALSE(back[1].time);
}

}  // namespace
}  // namespace kpp::api
