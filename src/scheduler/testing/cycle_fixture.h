// Pods and nodes for tests of decisions.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "scheduler/cycle.h"

namespace kpp::scheduler::testing {

inline corev1::Pod pod_named(const std::string& name, const std::string& cpu = {},
                             const std::string& memory = {}) {
  corev1::Pod pod;
  pod.metadata.namespace_ = "default";
  pod.metadata.name = name;
  auto& container = pod.spec.containers.emplace_back();
  if (!cpu.empty()) container.resources.requests["cpu"] = api::Quantity(cpu);
  if (!memory.empty()) container.resources.requests["memory"] = api::Quantity(memory);
  return pod;
}

inline PodInfoRef info(corev1::Pod pod) {
  return std::make_shared<const PodInfo>(std::make_shared<const corev1::Pod>(std::move(pod)));
}

inline corev1::Node node_named(const std::string& name, const std::string& cpu = "4",
                               const std::string& memory = "8Gi") {
  corev1::Node node;
  node.metadata.name = name;
  node.metadata.labels["kubernetes.io/hostname"] = name;
  node.status.allocatable["cpu"] = api::Quantity(cpu);
  node.status.allocatable["memory"] = api::Quantity(memory);
  node.status.allocatable["ephemeral-storage"] = api::Quantity("100Gi");
  node.status.allocatable["pods"] = api::Quantity("110");
  return node;
}

class CycleTest : public ::testing::Test {
 protected:
  void add(corev1::Node node) {
    cache_.set_node(std::make_shared<const corev1::Node>(std::move(node)));
  }
  void stand(corev1::Pod pod, const std::string& node) {
    pod.spec.node_name = node;
    cache_.add_pod(info(std::move(pod)));
  }
  Decision decide(corev1::Pod pod) { return cycle_.decide(*info(std::move(pod)), cache_); }

  Cache cache_;
  Cycle cycle_{0};
};

}  // namespace kpp::scheduler::testing
