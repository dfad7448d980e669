#include "controllers/volumes/volume_binder.h"

#include "controllers/testing/fixture.h"
#include "controllers/volumes/volume_expander.h"
#include "controllers/volumes/volume_protection.h"

namespace kpp::controllers {
namespace {

class VolumesTest : public testing::ControllerTest {
 protected:
  void put_volume(const std::string& name, const std::string& size) {
    corev1::PersistentVolume volume;
    volume.metadata.name = name;
    volume.spec.capacity["storage"] = api::Quantity(size);
    volume.spec.access_modes = {"ReadWriteOnce"};
    volume.spec.persistent_volume_reclaim_policy = "Retain";
    volume.spec.volume_mode = "Filesystem";
    api_.put(volume);
    run();
  }
  void put_claim(const std::string& name, const std::string& size,
                 const std::string& class_name = {}) {
    corev1::PersistentVolumeClaim claim;
    claim.metadata.name = name;
    claim.metadata.namespace_ = "default";
    claim.spec.access_modes = {"ReadWriteOnce"};
    claim.spec.resources.requests["storage"] = api::Quantity(size);
    if (!class_name.empty()) claim.spec.storage_class_name = class_name;
    claim.spec.volume_mode = "Filesystem";
    claim.status.phase = "Pending";
    api_.put(claim);
    run();
  }
  corev1::PersistentVolumeClaim claim(const std::string& name) {
    return *api_.get<corev1::PersistentVolumeClaim>({"default", name});
  }
  corev1::PersistentVolume volume(const std::string& name) {
    return *api_.get<corev1::PersistentVolume>({"", name});
  }
  bool has_event(const std::string& text) {
    const auto all = events();
    return std::find(all.begin(), all.end(), text) != all.end();
  }
};

TEST_F(VolumesTest, AClaimGetsTheSmallestVolumeThatIsLargeEnough) {
  put_volume("small", "1Gi");
  put_volume("large", "10Gi");
  put_volume("right", "5Gi");
  start<VolumeBinder>();
  EXPECT_EQ(volume("small").status.phase, "Available");
  put_claim("c", "2Gi");
  EXPECT_EQ(claim("c").status.phase, "Bound");
  EXPECT_EQ(claim("c").spec.volume_name, "right");
  EXPECT_EQ(claim("c").status.capacity.at("storage").text, "5Gi");
  EXPECT_EQ(claim("c").metadata.annotations.at("pv.kubernetes.io/bind-completed"), "yes");
  EXPECT_EQ(volume("right").status.phase, "Bound");
  EXPECT_EQ(volume("right").spec.claim_ref->uid, claim("c").metadata.uid);
}

TEST_F(VolumesTest, AClaimWaitsUntilAVolumeComes) {
  start<VolumeBinder>();
  put_claim("c", "2Gi");
  EXPECT_EQ(claim("c").status.phase, "Pending");
  EXPECT_TRUE(
      has_event("Normal FailedBinding PersistentVolumeClaim/c: no persistent volumes available for "
                "this claim and no storage class is set"));
  put_volume("v", "2Gi");
  EXPECT_EQ(claim("c").status.phase, "Bound");
}

TEST_F(VolumesTest, AVolumeIsReleasedWhenItsClaimGoes) {
  put_volume("v", "2Gi");
  start<VolumeBinder>();
  put_claim("c", "1Gi");
  api_.erase<corev1::PersistentVolumeClaim>({"default", "c"});
  run();
  EXPECT_EQ(volume("v").status.phase, "Released");
  put_claim("d", "1Gi");
  EXPECT_EQ(claim("d").status.phase, "Pending");  // what was kept is not given away
}

TEST_F(VolumesTest, AClaimWhoseVolumeIsGoneIsLost) {
  put_volume("v", "2Gi");
  start<VolumeBinder>();
  put_claim("c", "1Gi");
  api_.erase<corev1::PersistentVolume>({"", "v"});
  run();
  EXPECT_EQ(claim("c").status.phase, "Lost");
  EXPECT_TRUE(has_event(
      "Warning ClaimLost PersistentVolumeClaim/c: Bound claim has lost its PersistentVolume. "
      "Data on the volume is lost!"));
}

TEST_F(VolumesTest, AClassThatThereIsNotIsTold) {
  put_volume("v", "2Gi");
  start<VolumeBinder>();
  put_claim("c", "1Gi", "fast");
  EXPECT_EQ(claim("c").status.phase, "Pending");
  EXPECT_TRUE(has_event(
      "Warning ProvisioningFailed PersistentVolumeClaim/c: storageclass.storage.k8s.io \"fast\" "
      "not found"));
}

TEST_F(VolumesTest, AClaimInUseStaysUntilItsPodIsGone) {
  put_claim("c", "1Gi");
  corev1::Pod pod;
  pod.metadata.name = "p";
  pod.metadata.namespace_ = "default";
  pod.spec.node_name = "n1";
  auto& source = pod.spec.volumes.emplace_back();
  source.name = "v";
  source.volume_source.persistent_volume_claim.ensure().claim_name = "c";
  api_.put(pod);
  start<ClaimProtection>();
  EXPECT_EQ(claim("c").metadata.finalizers,
            std::vector<std::string>{"kubernetes.io/pvc-protection"});
  api_.remove<corev1::PersistentVolumeClaim>({"default", "c"});
  run();
  EXPECT_TRUE(claim("c").metadata.deletion_timestamp);
  api_.erase<corev1::Pod>({"default", "p"});
  run();
  EXPECT_FALSE(api_.get<corev1::PersistentVolumeClaim>({"default", "c"}));
}

TEST_F(VolumesTest, AnEphemeralVolumeGetsAClaimOfItsPod) {
  start<EphemeralVolumeController>();
  corev1::Pod pod;
  pod.metadata.name = "p";
  pod.metadata.namespace_ = "default";
  auto& source = pod.spec.volumes.emplace_back();
  source.name = "v";
  source.volume_source.ephemeral.ensure().volume_claim_template.ensure().spec.access_modes = {
      "ReadWriteOnce"};
  api_.put(pod);
  run();
  EXPECT_EQ(claim("p-v").metadata.owner_references.at(0).kind, "Pod");
}

TEST_F(VolumesTest, AClaimThatAsksForMoreIsToldToWait) {
  put_volume("v", "2Gi");
  start_all(std::make_unique<VolumeBinder>(context()), std::make_unique<VolumeExpander>(context()));
  put_claim("c", "1Gi");
  ASSERT_EQ(claim("c").status.phase, "Bound");
  api_.edit<corev1::PersistentVolumeClaim>({"default", "c"}, [](auto& c) {
    c.spec.resources.requests["storage"] = api::Quantity("5Gi");
  });
  run();
  EXPECT_TRUE(
      has_event("Normal ExternalExpanding PersistentVolumeClaim/c: waiting for an external "
                "controller to expand this PVC"));
}

TEST_F(VolumesTest, AClaimThatWaitsForAPodNamesIt) {
  storagev1::StorageClass local;
  local.metadata.name = "local";
  local.provisioner = "kubernetes.io/no-provisioner";
  local.volume_binding_mode = "WaitForFirstConsumer";
  api_.put(local);
  corev1::Pod pod;
  pod.metadata.name = "p";
  pod.metadata.namespace_ = "default";
  auto& source = pod.spec.volumes.emplace_back();
  source.name = "v";
  source.volume_source.persistent_volume_claim.ensure().claim_name = "c";
  api_.put(pod);
  start<VolumeBinder>();
  put_claim("c", "1Gi", "local");
  EXPECT_TRUE(has_event(
      "Normal WaitForPodScheduled PersistentVolumeClaim/c: waiting for pod p to be scheduled"));
  put_claim("d", "1Gi", "local");
  EXPECT_TRUE(has_event(
      "Normal WaitForFirstConsumer PersistentVolumeClaim/d: waiting for first consumer to be "
      "created before binding"));
}

}  // namespace
}  // namespace kpp::controllers
