#include "kubelet/container/volume_mounts.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

corev1::VolumeMount read_only_mount(const std::string& mode) {
  corev1::VolumeMount out;
  out.name = "v";
  out.read_only = true;
  out.recursive_read_only = mode;
  return out;
}

std::string text(const Result<bool>& result) {
  return result ? (*result ? "yes" : "no") : result.error().message();
}

TEST(VolumeMounts, WhatIsBelowAReadOnlyMountIsReadOnlyWhereTheRuntimeCan) {
  EXPECT_EQ(text(recursive_read_only(read_only_mount("Enabled"), true)), "yes");
  EXPECT_EQ(text(recursive_read_only(read_only_mount("IfPossible"), true)), "yes");
  EXPECT_EQ(text(recursive_read_only(read_only_mount("IfPossible"), false)), "no");
  EXPECT_EQ(text(recursive_read_only(read_only_mount("Disabled"), true)), "no");
  EXPECT_EQ(
      text(recursive_read_only(read_only_mount("Enabled"), false)),
      "volume \"v\" requested recursive read-only mode, but it is not supported by the runtime");
}

TEST(VolumeMounts, RecursionWantsAReadOnlyMountOfItsOwn) {
  auto mount = read_only_mount("Enabled");
  mount.mount_propagation = "HostToContainer";
  EXPECT_EQ(text(recursive_read_only(mount, true)),
            "volume \"v\" requested recursive read-only mode, but it is not compatible with "
            "propagation \"HostToContainer\"");
  mount.read_only = false;
  EXPECT_EQ(text(recursive_read_only(mount, true)),
            "volume \"v\" requested recursive read-only mode, but it is not read-only");
}

TEST(VolumeMounts, APartOfAVolumeLiesBelowIt) {
  EXPECT_TRUE(check_subpath("a/b..c/..d").ok());
  EXPECT_EQ(check_subpath("a/../b").message(),
            "unable to provision SubPath `a/../b`: must not contain '..'");
  EXPECT_EQ(check_subpath("/a").message(), "error SubPath `/a` must not be an absolute path");
}

}  // namespace
}  // namespace kpp::kubelet
