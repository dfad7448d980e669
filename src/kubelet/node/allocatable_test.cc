#include "kubelet/node/allocatable.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

Machine machine() {
  Machine out;
  out.cpus = 4;
  out.memory_bytes = std::int64_t{16} << 30;
  out.disk_bytes = std::int64_t{1000003} * 1024;
  return out;
}

TEST(NodeAllocatable, TheHardThresholdsOfEvictionStayFree) {
  const auto found = node_resources(machine(), KubeletOptions());
  EXPECT_EQ(found.capacity.at("memory").text, "16777216Ki");
  EXPECT_EQ(found.allocatable.at("memory").text, "16284Mi");
  EXPECT_EQ(found.enforced.at("memory").text, "16777216Ki");
  EXPECT_EQ(found.capacity.at("ephemeral-storage").text, "1000003Ki");
  EXPECT_EQ(found.allocatable.at("ephemeral-storage").text, "921602765");
  EXPECT_EQ(found.allocatable.at("cpu").text, "4");
  EXPECT_EQ(found.allocatable.at("pods").text, "110");
}

TEST(NodeAllocatable, WhatIsReservedIsTakenAway) {
  KubeletOptions options;
  options.kube_reserved = {{"cpu", "100m"}, {"memory", "1Gi"}, {"pid", "1000"}};
  options.system_reserved = {{"cpu", "150m"}, {"ephemeral-storage", "3Ki"}};
  options.eviction_hard = {};
  const auto found = node_resources(machine(), options);
  EXPECT_EQ(found.allocatable.at("cpu").text, "3750m");
  EXPECT_EQ(found.allocatable.at("memory").text, "15Gi");
  EXPECT_EQ(found.allocatable.at("ephemeral-storage").text, "1000000Ki");
  EXPECT_EQ(found.enforced.at("cpu").text, "3750m");
  EXPECT_EQ(found.capacity.at("cpu").text, "4");
}

TEST(NodeAllocatable, NothingGoesBelowZero) {
  KubeletOptions options;
  options.kube_reserved = {{"cpu", "5"}, {"memory", "64Gi"}};
  const auto found = node_resources(machine(), options);
  EXPECT_EQ(found.allocatable.at("cpu").text, "0");
  EXPECT_EQ(found.allocatable.at("memory").text, "0");
}

TEST(NodeAllocatable, PodsOfACoreLimitThePodsOfTheNode) {
  KubeletOptions options;
  options.pods_per_core = 10;
  EXPECT_EQ(node_resources(machine(), options).capacity.at("pods").text, "40");
  options.max_pods = 20;
  EXPECT_EQ(node_resources(machine(), options).capacity.at("pods").text, "20");
}

TEST(NodeAllocatable, HugePagesAreNotMemoryOfPods) {
  Machine with = machine();
  with.hugepages = {{2048, 512}, {1048576, 0}};
  KubeletOptions options;
  options.eviction_hard = {};
  const auto found = node_resources(with, options);
  EXPECT_EQ(found.capacity.at("hugepages-2Mi").text, "1048576Ki");
  EXPECT_EQ(found.capacity.at("hugepages-1Gi").text, "0");
  EXPECT_EQ(found.allocatable.at("memory").text, "15Gi");
}

}  // namespace
}  // namespace kpp::kubelet
