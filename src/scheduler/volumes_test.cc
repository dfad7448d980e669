// Decisions about pods with claims.
#include "scheduler/testing/cycle_fixture.h"

namespace kpp::scheduler {
namespace {

using testing::info;
using testing::node_named;
using testing::pod_named;

class VolumesTest : public testing::CycleTest {
 protected:
  static corev1::Pod claiming(const std::string& name, const std::string& claim) {
    auto pod = pod_named(name);
    auto& volume = pod.spec.volumes.emplace_back();
    volume.name = "v";
    volume.volume_source.persistent_volume_claim.emplace().claim_name = claim;
    return pod;
  }
  corev1::PersistentVolumeClaim claim(const std::string& name, const std::string& class_name = {}) {
    corev1::PersistentVolumeClaim out;
    out.metadata.namespace_ = "default";
    out.metadata.name = name;
    out.metadata.uid = name;
    out.spec.access_modes = {"ReadWriteOnce"};
    out.spec.storage_class_name = class_name;
    out.spec.resources.requests["storage"] = api::Quantity("1Gi");
    out.status.phase = "Pending";
    return out;
  }
  void put(corev1::PersistentVolumeClaim claim) {
    const auto key = api::key_of(claim);
    cache_.storage().set_claim(
        key, std::make_shared<const corev1::PersistentVolumeClaim>(std::move(claim)));
  }
  void put_bound(corev1::PersistentVolumeClaim claim, const std::string& volume) {
    claim.spec.volume_name = volume;
    claim.metadata.annotations[api::kBindCompleted] = "yes";
    claim.status.phase = "Bound";
    put(std::move(claim));
  }
  void put_volume(const std::string& name, const std::string& class_name,
                  const std::string& node = {}) {
    auto volume = std::make_shared<corev1::PersistentVolume>();
    volume->metadata.name = name;
    volume->spec.capacity["storage"] = api::Quantity("1Gi");
    volume->spec.access_modes = {"ReadWriteOnce"};
    volume->spec.storage_class_name = class_name;
    volume->status.phase = "Available";
    if (!node.empty()) {
      auto& wants = volume->spec.node_affinity.emplace()
                        .required.emplace()
                        .node_selector_terms.emplace_back()
                        .match_expressions.emplace_back();
      wants.key = "kubernetes.io/hostname";
      wants.operator_ = "In";
      wants.values = {node};
    }
    cache_.storage().set_volume(name, volume);
  }
  void put_class(const std::string& name, const std::string& provisioner = api::kNoProvisioner) {
    auto out = std::make_shared<storagev1::StorageClass>();
    out->metadata.name = name;
    out->provisioner = provisioner;
    out->volume_binding_mode = "WaitForFirstConsumer";
    cache_.storage().set_class(name, out);
  }
};

TEST_F(VolumesTest, AMissingClaimIsNamed) {
  add(node_named("node1"));
  EXPECT_EQ(decide(claiming("p", "c")).message,
            "0/1 nodes are available: persistentvolumeclaim \"c\" not found. not found");
  auto pod = pod_named("p");
  auto& volume = pod.spec.volumes.emplace_back();
  volume.name = "v";
  volume.volume_source.ephemeral.emplace();
  EXPECT_EQ(decide(pod).message,
            "0/1 nodes are available: waiting for ephemeral volume controller to create the "
            "persistentvolumeclaim \"p-v\". not found");
}

TEST_F(VolumesTest, AnUnboundClaimThatDoesNotWaitForThePodIsWaitedFor) {
  add(node_named("node1"));
  put(claim("c"));
  const auto decision = decide(claiming("p", "c"));
  EXPECT_EQ(decision.message,
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found");
  EXPECT_EQ(decision.refused_by, kVolumeBindingBit);
}

TEST_F(VolumesTest, APodFollowsItsVolume) {
  add(node_named("node1"));
  add(node_named("node2"));
  put_volume("v", "", "node2");
  put_bound(claim("c"), "v");
  EXPECT_EQ(decide(claiming("p", "c")).node, "node2");
  put_volume("v", "", "node9");
  EXPECT_EQ(decide(claiming("p", "c")).message,
            "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity. no "
            "new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not "
            "helpful for scheduling.");
}

TEST_F(VolumesTest, AVolumeIsChosenOnTheNodeOfThePod) {
  add(node_named("node1"));
  add(node_named("node2"));
  put_class("local");
  put_volume("v1", "local", "node2");
  put(claim("c", "local"));
  const auto decision = decide(claiming("p", "c"));
  EXPECT_EQ(decision.node, "node2");
  ASSERT_EQ(decision.volumes.bindings.size(), 1U);
  EXPECT_EQ(decision.volumes.bindings[0].volume, "v1");
  // What is promised is not given again.
  cache_.storage().assume(decision.volumes);
  put(claim("d", "local"));
  EXPECT_EQ(decide(claiming("q", "d")).message,
            "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind. "
            "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not "
            "helpful for scheduling.");
  cache_.storage().forget(decision.volumes);
  EXPECT_EQ(decide(claiming("q", "d")).node, "node2");
}

TEST_F(VolumesTest, AProvisionerIsToldTheNode) {
  add(node_named("node1"));
  put_class("fast", "example.test/p");
  put(claim("c", "fast"));
  const auto decision = decide(claiming("p", "c"));
  EXPECT_EQ(decision.node, "node1");
  ASSERT_EQ(decision.volumes.provisions.size(), 1U);
  EXPECT_EQ(decision.volumes.provisions[0].name, "c");
}

TEST_F(VolumesTest, AClaimForOnePodIsGivenOnce) {
  add(node_named("node1"));
  put_volume("v", "");
  auto one = claim("c");
  one.spec.access_modes = {"ReadWriteOncePod"};
  put_bound(one, "v");
  stand(claiming("p", "c"), "node1");
  EXPECT_EQ(decide(claiming("q", "c")).message,
            "0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with "
            "ReadWriteOncePod access mode already in-use by another pod. no new claims to "
            "deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for "
            "incoming pod.");
}

TEST_F(VolumesTest, AVolumeStaysInItsZone) {
  auto node = node_named("node1");
  node.metadata.labels["topology.kubernetes.io/zone"] = "a";
  add(node);
  auto volume = std::make_shared<corev1::PersistentVolume>();
  volume->metadata.name = "v";
  volume->metadata.labels["topology.kubernetes.io/zone"] = "b__c";
  cache_.storage().set_volume("v", volume);
  put_bound(claim("c"), "v");
  EXPECT_TRUE(
      decide(claiming("p", "c"))
          .message.starts_with("0/1 nodes are available: 1 node(s) had no available volume zone."));
  node.metadata.labels["topology.kubernetes.io/zone"] = "c";
  add(node);
  EXPECT_EQ(decide(claiming("p", "c")).node, "node1");
}

TEST_F(VolumesTest, ANodeTakesAsManyVolumesOfADriverAsItSays) {
  add(node_named("node1"));
  auto limits = std::make_shared<storagev1::CSINode>();
  auto& driver = limits->spec.drivers.emplace_back();
  driver.name = "example.test/d";
  driver.allocatable.emplace().count = 1;
  cache_.storage().set_node_limits("node1", limits);
  for (const std::string name : {"a", "b"}) {
    auto volume = std::make_shared<corev1::PersistentVolume>();
    volume->metadata.name = name;
    auto& csi = volume->spec.persistent_volume_source.csi.emplace();
    csi.driver = "example.test/d";
    csi.volume_handle = name;
    cache_.storage().set_volume(name, volume);
    put_bound(claim(name), name);
  }
  stand(claiming("p", "a"), "node1");
  EXPECT_EQ(decide(claiming("q", "a")).node, "node1");
  EXPECT_TRUE(
      decide(claiming("q", "b"))
          .message.starts_with("0/1 nodes are available: 1 node(s) exceed max volume count."));
}

}  // namespace
}  // namespace kpp::scheduler
