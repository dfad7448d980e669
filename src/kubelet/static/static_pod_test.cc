#include "kubelet/static/static_pod.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

constexpr const char* kManifest =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: st}\n"
    "spec: {containers: [{name: c, image: 'busybox:1'}]}\n";

Result<corev1::Pod> from(const std::string& text, const std::string& file = "st.yaml",
                         WallTime seen = WallTime(std::chrono::hours(1))) {
  return static_pod(text, file, "node1", seen);
}

TEST(StaticPod, IsNamedAfterTheNodeAndToleratesItsTaints) {
  const auto pod = from(kManifest);
  ASSERT_TRUE(pod.has_value()) << pod.error().to_string();
  EXPECT_EQ(pod->metadata.name, "st-node1");
  EXPECT_EQ(pod->metadata.namespace_, "default");
  EXPECT_EQ(pod->spec.node_name, "node1");
  EXPECT_EQ(pod->spec.restart_policy, "Always");
  ASSERT_EQ(pod->spec.tolerations.size(), 1u);
  EXPECT_EQ(pod->spec.tolerations[0].operator_, "Exists");
  EXPECT_EQ(pod->spec.tolerations[0].effect, "NoExecute");
  EXPECT_TRUE(is_static(*pod));
  EXPECT_FALSE(is_mirror(*pod));
}

TEST(StaticPod, KeepsItsUidUntilTheManifestChanges) {
  const auto pod = from(kManifest);
  const auto later = from(kManifest, "st.yaml", WallTime(std::chrono::hours(2)));
  const auto other_file = from(kManifest, "other.yaml");
  const auto changed = from(std::string(kManifest) + "# x\nstatus: {}\n");
  const auto relabelled = from(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: st, labels: {a: b}}\n"
      "spec: {containers: [{name: c, image: 'busybox:1'}]}\n");
  ASSERT_TRUE(pod && later && other_file && changed && relabelled);
  EXPECT_EQ(pod->metadata.uid, later->metadata.uid);
  EXPECT_EQ(pod->metadata.uid, changed->metadata.uid);
  EXPECT_NE(pod->metadata.uid, other_file->metadata.uid);
  EXPECT_NE(pod->metadata.uid, relabelled->metadata.uid);
}

TEST(StaticPod, MayNotNeedObjectsOfTheApi) {
  const auto pod = from(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: st}\n"
      "spec: {containers: [{name: c, image: b, envFrom: [{secretRef: {name: s}}]}]}\n");
  ASSERT_FALSE(pod.has_value());
  EXPECT_EQ(pod.error().message(), "static pods may not reference secrets");
}

TEST(StaticPod, OfAManifestThatIsNoPodIsRefused) {
  EXPECT_FALSE(from("- 1\n").has_value());
  EXPECT_FALSE(from("apiVersion: v1\nkind: Service\nmetadata: {name: st}\n").has_value());
  EXPECT_FALSE(from("apiVersion: v1\nkind: Pod\nmetadata: {name: st}\nspec: {}\n").has_value());
  EXPECT_FALSE(from("{").has_value());
}

TEST(StaticPod, IsMirroredByAnObjectOfTheNode) {
  const auto pod = from(kManifest);
  ASSERT_TRUE(pod.has_value());
  const corev1::Pod mirror = mirror_of(*pod, "node-uid");
  EXPECT_TRUE(is_mirror(mirror));
  EXPECT_FALSE(is_static(mirror));
  EXPECT_TRUE(mirrors(mirror, *pod));
  EXPECT_TRUE(mirror.metadata.uid.empty());
  ASSERT_EQ(mirror.metadata.owner_references.size(), 1u);
  EXPECT_EQ(mirror.metadata.owner_references[0].kind, "Node");
  EXPECT_EQ(mirror.metadata.owner_references[0].uid, "node-uid");
  corev1::Pod other = *pod;
  other.metadata.annotations[annotation::kConfigHash] = "another";
  EXPECT_FALSE(mirrors(mirror, other));
}

}  // namespace
}  // namespace kpp::kubelet
