// The control groups of pods: kubepods, a group a quality class, a group a pod.
#pragma once

#include <map>
#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "async/task.h"
#include "base/status.h"
#include "kubelet/cgroups/cgroup_names.h"
#include "kubelet/container/resources.h"
#include "kubelet/options.h"
#include "linux/cgroups.h"

namespace kpp::kubelet {

// Guarantees: groups are made with the limits of the pod before its sandbox; the shares of the
//   class of burstable pods follow what its pods ask for. With the systemd driver, groups are
//   slices that systemd keeps.
// Runs on: its executor; file work on the pool. A machine without control groups is an error of
// ensure().
class PodCgroups {
 public:
  PodCgroups(async::Executor& executor, async::ThreadPool& pool, const KubeletOptions& options);

  // The group of a pod: /kubepods/burstable/pod<uid>, or its slice.
  std::string parent_of(const corev1::Pod& pod) const;
  async::Task<Status> ensure(std::shared_ptr<const corev1::Pod> pod);
  // Also the groups that containers left below it.
  async::Task<Status> remove(std::shared_ptr<const corev1::Pod> pod);
  // The group of all pods, held to `pods` if that is enforced, and those of the classes.
  async::Task<Status> set_up_node(ResourceList pods);
  // Holds a group of the system's or of Kubernetes' own processes to what is kept for it. It must
  // be there.
  async::Task<Status> hold(std::string group, std::map<std::string, std::string> reserved);

 private:
  CgroupName class_group(QosClass qos) const;
  CgroupName group_of(const corev1::Pod& pod) const;
  std::int64_t burstable_shares() const;

  async::Executor& executor_;
  async::ThreadPool& pool_;
  const KubeletOptions& options_;
  std::map<std::string, std::int64_t> burstable_milli_;  // by pod uid
};

// What the group of all pods is held to.
sys::CgroupLimits limits_of_pods(const ResourceList& enforced);

}  // namespace kpp::kubelet
