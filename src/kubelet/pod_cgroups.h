// The control groups of pods: kubepods, a group a quality class, a group a pod.
#pragma once

#include <map>
#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "async/task.h"
#include "base/status.h"
#include "kubelet/container/resources.h"
#include "kubelet/options.h"

namespace kpp::kubelet {

// Guarantees: groups are made with the limits of the pod before its sandbox; the shares of the
// class of burstable pods
//   follow what its pods ask for.
// Runs on: its executor; file work on the pool. A machine without control groups is an error of
// ensure().
class PodCgroups {
 public:
  PodCgroups(async::Executor& executor, async::ThreadPool& pool, const KubeletOptions& options);

  // The group of a pod: /kubepods/burstable/pod<uid>.
  std::string parent_of(const corev1::Pod& pod) const;
  async::Task<Status> ensure(std::shared_ptr<const corev1::Pod> pod);
  // Also the groups that containers left below it.
  async::Task<Status> remove(std::shared_ptr<const corev1::Pod> pod);
  async::Task<Status> set_up_node();

 private:
  std::string class_group(QosClass qos) const;
  std::int64_t burstable_shares() const;

  async::Executor& executor_;
  async::ThreadPool& pool_;
  const KubeletOptions& options_;
  std::map<std::string, std::int64_t> burstable_milli_;  // by pod uid
};

}  // namespace kpp::kubelet
