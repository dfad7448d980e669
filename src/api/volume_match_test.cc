#include "api/volume_match.h"

#include <gtest/gtest.h>

#include "api/node_match.h"

namespace kpp::api {
namespace {

std::shared_ptr<corev1::PersistentVolume> volume(const std::string& name, const std::string& size,
                                                 const std::string& node = {}) {
  auto out = std::make_shared<corev1::PersistentVolume>();
  out->metadata.name = name;
  out->spec.capacity["storage"] = Quantity(size);
  out->spec.access_modes = {"ReadWriteOnce"};
  out->spec.storage_class_name = "local";
  out->status.phase = "Available";
  if (!node.empty()) {
    auto& wants = out->spec.node_affinity.ensure()
                      .required.ensure()
                      .node_selector_terms.emplace_back()
                      .match_expressions.emplace_back();
    wants.key = "kubernetes.io/hostname";
    wants.operator_ = "In";
    wants.values = {node};
  }
  return out;
}

corev1::PersistentVolumeClaim claim(const std::string& size) {
  corev1::PersistentVolumeClaim out;
  out.metadata.namespace_ = "default";
  out.metadata.name = "c";
  out.metadata.uid = "u";
  out.spec.access_modes = {"ReadWriteOnce"};
  out.spec.storage_class_name = "local";
  out.spec.resources.requests["storage"] = Quantity(size);
  return out;
}

corev1::Node node(const std::string& name) {
  corev1::Node out;
  out.metadata.name = name;
  out.metadata.labels["kubernetes.io/hostname"] = name;
  return out;
}

TEST(VolumeMatch, OnANodeTheSmallestOfItsVolumesIsTaken) {
  const std::vector<VolumeRef> all{volume("a", "1Gi", "n1"), volume("b", "5Gi", "n2"),
                                   volume("c", "3Gi", "n2"), volume("d", "9Gi")};
  const auto n2 = node("n2");
  EXPECT_EQ(best_match(all, claim("1Gi"), &n2)->metadata.name, "c");
  EXPECT_EQ(best_match(all, claim("4Gi"), &n2)->metadata.name, "b");
  EXPECT_EQ(best_match(all, claim("6Gi"), &n2)->metadata.name, "d");
  EXPECT_EQ(best_match(all, claim("10Gi"), &n2), nullptr);
}

TEST(VolumeMatch, WhatIsGivenAwayIsLeftOut) {
  const std::vector<VolumeRef> all{volume("a", "1Gi"), volume("b", "2Gi")};
  const auto passes = [](const corev1::PersistentVolume& v) { return v.metadata.name != "a"; };
  EXPECT_EQ(best_match(all, claim("1Gi"), nullptr, passes)->metadata.name, "b");
}

TEST(VolumeMatch, AVolumeMadeForTheClaimIsTheOnlyOneToTake) {
  auto made = volume("a", "5Gi", "n1");
  made->spec.claim_ref.ensure().namespace_ = "default";
  made->spec.claim_ref->name = "c";
  const std::vector<VolumeRef> all{volume("b", "1Gi"), made};
  const auto n1 = node("n1");
  const auto n2 = node("n2");
  EXPECT_EQ(best_match(all, claim("1Gi"), &n1)->metadata.name, "a");
  EXPECT_EQ(best_match(all, claim("1Gi"), &n2), nullptr);
}

TEST(NodeMatch, TolerationsCoverTaints) {
  corev1::Taint taint;
  taint.key = "k";
  taint.value = "v";
  taint.effect = "NoSchedule";
  corev1::Toleration toleration;
  toleration.operator_ = "Exists";
  EXPECT_TRUE(tolerates(toleration, taint));
  toleration.effect = "NoExecute";
  EXPECT_FALSE(tolerates(toleration, taint));
  toleration = {};
  toleration.key = "k";
  EXPECT_FALSE(tolerates(toleration, taint));
  toleration.value = "v";
  EXPECT_TRUE(tolerates(toleration, taint));
}

TEST(NodeMatch, TolerationsMayCompareNumbers) {
  corev1::Taint taint;
  taint.key = "level";
  taint.value = "5";
  taint.effect = "NoSchedule";
  corev1::Toleration toleration;
  toleration.key = "level";
  toleration.operator_ = "Lt";
  toleration.value = "7";
  EXPECT_TRUE(tolerates(toleration, taint));
  toleration.operator_ = "Gt";
  EXPECT_FALSE(tolerates(toleration, taint));
}

}  // namespace
}  // namespace kpp::api
