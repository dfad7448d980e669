// What the containers of the node's pods were granted, and what they were really given.
#pragma once

#include <map>
#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"

namespace kpp::kubelet {

// Two figures for each container beside what its spec asks for: the resources that the node has
// allocated to it (they count when others want room) and those that its control group was last
// given.
//
// Guarantees: both survive a restart of the kubelet; a file that cannot be read counts as empty.
// Runs on: its executor only; load() blocks.
class Allocations {
 public:
  using Resources = std::map<std::string, corev1::ResourceRequirements>;  // by container

  Allocations(async::Executor& executor, async::ThreadPool& pool, Logger log, std::string file);
  Allocations(const Allocations&) = delete;
  Allocations& operator=(const Allocations&) = delete;

  void load();
  void start();
  // Writes what is not written yet.
  async::Task<void> stop();

  // nullptr: nothing is known of the pod.
  const Resources* allocated(const std::string& uid) const;
  const corev1::ResourceRequirements* actuated(const std::string& uid,
                                               const std::string& container) const;
  void allocate(const std::string& uid, Resources resources);
  void actuate(const std::string& uid, const std::string& container,
               corev1::ResourceRequirements resources);
  void forget(const std::string& uid);

 private:
  struct Pod {
    Resources allocated, actuated;
  };
  std::string encode() const;
  async::Task<void> run();
  async::Task<void> write();
  void change();

  async::Executor& executor_;
  async::ThreadPool& pool_;
  Logger log_;
  const std::string file_;
  std::map<std::string, Pod> pods_;  // by uid
  bool dirty_ = false;
  async::Event wake_;
  async::Scope scope_;
};

// The resources of the containers of a pod, as its spec has them.
Allocations::Resources resources_of(const corev1::Pod& pod);
// The pod with these resources instead.
corev1::Pod with_resources(const corev1::Pod& pod, const Allocations::Resources& resources);
// True if CPU and memory are the same, absent and zero aside.
bool same_compute(const corev1::ResourceRequirements& a, const corev1::ResourceRequirements& b);

}  // namespace kpp::kubelet
