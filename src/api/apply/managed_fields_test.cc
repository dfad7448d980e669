#include "api/apply/managed_fields.h"

#include <gtest/gtest.h>

#include "api/appsv1.h"
#include "api/corev1.h"
#include "api/defaults/defaults.h"
#include "api/discoveryv1.h"
#include "api/json_codec.h"

namespace kpp::api {
namespace {

template <class T>
T parsed(std::string_view text) {
  auto object = parse_json<T>(text);
  EXPECT_TRUE(object) << object.error().message();
  apply_defaults(*object);
  return *object;
}

UpdateContext by(std::string manager, std::int64_t second) {
  UpdateContext out;
  out.manager = std::move(manager);
  out.api_version = "v1";
  out.time = Time(1'700'000'000 + second, 0);
  out.resets.reset = {{"status"}};
  return out;
}

std::string fields(const metav1::ManagedFieldsEntry& entry) { return entry.fields_v1->json; }

TEST(ManagedFields, CreationOwnsWhatDiffersFromAnEmptyObject) {
  auto map =
      parsed<corev1::ConfigMap>(R"({"metadata":{"name":"c","labels":{"x":"y"}},"data":{"a":"1"}})");
  track_update(corev1::ConfigMap::desc(), nullptr, &map, by("creator", 0));
  ASSERT_EQ(map.metadata.managed_fields.size(), 1U);
  EXPECT_EQ(fields(map.metadata.managed_fields[0]),
            R"({"f:data":{".":{},"f:a":{}},"f:metadata":{"f:labels":{".":{},"f:x":{}}}})");
}

TEST(ManagedFields, ListsGoByTheirKeysAndValuesInPlaceAreNoMembers) {
  auto pod = parsed<corev1::Pod>(
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}]}]}})");
  track_update(corev1::Pod::desc(), nullptr, &pod, by("m", 0));
  ASSERT_EQ(pod.metadata.managed_fields.size(), 1U);
  EXPECT_EQ(
      fields(pod.metadata.managed_fields[0]),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},)"
      R"("f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},)"
      R"("f:protocol":{}}},"f:resources":{},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}},)"
      R"("f:dnsPolicy":{},"f:enableServiceLinks":{},"f:restartPolicy":{},"f:schedulerName":{},)"
      R"("f:securityContext":{},"f:terminationGracePeriodSeconds":{}}})");
}

TEST(ManagedFields, ChangesMoveTheOwnershipAndRemovalsEndIt) {
  auto first = parsed<corev1::ConfigMap>(R"({"data":{"a":"1","b":"2","c":"3"}})");
  track_update(corev1::ConfigMap::desc(), nullptr, &first, by("creator", 0));
  auto second = first;
  second.data["b"] = "x";
  second.data.erase("c");
  track_update(corev1::ConfigMap::desc(), &first, &second, by("patcher", 5));
  ASSERT_EQ(second.metadata.managed_fields.size(), 2U);
  EXPECT_EQ(fields(second.metadata.managed_fields[0]), R"({"f:data":{".":{},"f:a":{}}})");
  EXPECT_EQ(fields(second.metadata.managed_fields[1]), R"({"f:data":{"f:b":{}}})");
  EXPECT_EQ(second.metadata.managed_fields[1].manager, "patcher");
}

TEST(ManagedFields, ClientsCannotLoseThemByLeavingThemOut) {
  auto first = parsed<corev1::ConfigMap>(R"({"data":{"a":"1"}})");
  track_update(corev1::ConfigMap::desc(), nullptr, &first, by("creator", 0));
  auto second = first;
  second.metadata.managed_fields.clear();
  track_update(corev1::ConfigMap::desc(), &first, &second, by("other", 5));
  EXPECT_EQ(second.metadata.managed_fields.size(), 1U);
  second.metadata.managed_fields.assign(1, metav1::ManagedFieldsEntry());
  track_update(corev1::ConfigMap::desc(), &first, &second, by("other", 5));
  EXPECT_TRUE(second.metadata.managed_fields.empty());
}

TEST(ManagedFields, AnEmptyListThatWasSentIsOwnedWhereListsAreAlwaysWritten) {
  auto slice = parsed<discoveryv1::EndpointSlice>(R"({"addressType":"IPv4","endpoints":[]})");
  auto context = by("m", 0);
  track_update(discoveryv1::EndpointSlice::desc(), nullptr, &slice, context);
  EXPECT_EQ(fields(slice.metadata.managed_fields[0]), R"({"f:addressType":{}})");
  slice.metadata.managed_fields.clear();
  const std::vector<std::string> sent = {"endpoints"};
  context.empty_lists = sent;
  track_update(discoveryv1::EndpointSlice::desc(), nullptr, &slice, context);
  EXPECT_EQ(fields(slice.metadata.managed_fields[0]), R"({"f:addressType":{},"f:endpoints":{}})");
}

TEST(ManagedFields, ItemsOfOneKeyAreOneField) {
  auto first = parsed<corev1::Pod>(
      R"({"spec":{"containers":[{"name":"c","env":[{"name":"A","value":"1"}]}]}})");
  track_update(corev1::Pod::desc(), nullptr, &first, by("m", 0));
  auto second = first;
  second.spec.containers[0].env.push_back(second.spec.containers[0].env[0]);
  track_update(corev1::Pod::desc(), &first, &second, by("n", 1));
  ASSERT_EQ(second.metadata.managed_fields.size(), 2U);
  EXPECT_EQ(
      fields(second.metadata.managed_fields[1]),
      R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{"f:env":{"k:{\"name\":\"A\"}":{}}}}}})");
}

TEST(ManagedFields, AGranularReferenceIsOwnedByItsMembers) {
  auto volume =
      parsed<corev1::PersistentVolume>(R"({"spec":{"claimRef":{"name":"c","namespace":"d"}}})");
  volume.spec.persistent_volume_reclaim_policy.clear();
  volume.spec.volume_mode.reset();
  track_update(corev1::PersistentVolume::desc(), nullptr, &volume, by("m", 0));
  EXPECT_EQ(fields(volume.metadata.managed_fields[0]),
            R"({"f:spec":{"f:claimRef":{".":{},"f:name":{},"f:namespace":{}}}})");
}

TEST(ManagedFields, AtMostTenUpdatersAreKept) {
  auto map = parsed<corev1::ConfigMap>(R"({"data":{"k":"v"}})");
  track_update(corev1::ConfigMap::desc(), nullptr, &map, by("m", -1));
  for (int i = 0; i < 15; ++i) {
    auto next = map;
    next.data[cat("k", i)] = "v";
    track_update(corev1::ConfigMap::desc(), &map, &next, by(cat("m", i), i));
    map = next;
  }
  EXPECT_EQ(map.metadata.managed_fields.size(), 10U);
  EXPECT_EQ(map.metadata.managed_fields[0].manager, "ancient-changes");
}

}  // namespace
}  // namespace kpp::api
