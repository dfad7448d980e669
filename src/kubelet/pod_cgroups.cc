#include "kubelet/pod_cgroups.h"

#include <chrono>

#include "async/wait.h"
#include "linux/cgroups.h"

namespace kpp::kubelet {
namespace {

Status make_group(const std::string& group, const sys::CgroupLimits& limits) {
  KPP_ASSIGN(const sys::Cgroups cgroups, sys::Cgroups::discover());
  KPP_RETURN_IF_ERROR(cgroups.create(group));
  return cgroups.apply(group, limits);
}

sys::CgroupLimits shares(std::int64_t value) {
  sys::CgroupLimits out;
  out.cpu_shares = value;
  return out;
}

// A limit counts only if each container has one.
bool all_limited(const corev1::Pod& pod, const std::string& resource) {
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
    for (const auto& c : *list) {
      const auto it = c.resources.limits.find(resource);
      if (it == c.resources.limits.end() || quantity_is_zero(it->second)) return false;
    }
  }
  return true;
}

sys::CgroupLimits limits_of(const corev1::Pod& pod, bool quota_enforced) {
  const PodResources total = pod_resources(pod);
  const bool own = pod.spec.resources.has_value();
  sys::CgroupLimits out;
  const std::int64_t request = milli_of(total.requests, "cpu");
  const std::int64_t limit = milli_of(total.limits, "cpu");
  const bool cpu_limited =
      limit > 0 && (all_limited(pod, "cpu") || (own && pod.spec.resources->limits.contains("cpu")));
  out.cpu_shares = cpu_shares(request == 0 && cpu_limited ? limit : request);
  if (quota_enforced) {
    out.cpu_quota_us = cpu_limited ? cpu_quota_us(limit) : -1;
    out.cpu_period_us = 100'000;
  }
  const bool memory_limited =
      all_limited(pod, "memory") || (own && pod.spec.resources->limits.contains("memory"));
  out.memory_bytes = memory_limited ? value_of(total.limits, "memory") : -1;
  return out;
}

}  // namespace

PodCgroups::PodCgroups(async::Executor& executor, async::ThreadPool& pool,
                       const KubeletOptions& options)
    : executor_(executor), pool_(pool), options_(options) {}

std::string PodCgroups::class_group(QosClass qos) const {
  const std::string root =
      options_.cgroup_root == "/" ? "/kubepods" : cat(options_.cgroup_root, "/kubepods");
  if (qos == QosClass::kBurstable) return root + "/burstable";
  if (qos == QosClass::kBestEffort) return root + "/besteffort";
  return root;
}

std::string PodCgroups::parent_of(const corev1::Pod& pod) const {
  if (!options_.cgroups_per_qos) return {};
  return cat(class_group(qos_class(pod)), "/pod", pod.metadata.uid);
}

std::int64_t PodCgroups::burstable_shares() const {
  std::int64_t milli = 0;
  for (const auto& [uid, value] : burstable_milli_) milli += value;
  return cpu_shares(milli);
}

async::Task<Status> PodCgroups::set_up_node() {
  if (!options_.cgroups_per_qos) co_return Status();
  co_return co_await async::offload(executor_, pool_,
                                    [burstable = class_group(QosClass::kBurstable),
                                     best_effort = class_group(QosClass::kBestEffort)]() -> Status {
                                      KPP_RETURN_IF_ERROR(make_group(burstable, {}));
                                      return make_group(best_effort, shares(2));
                                    });
}

async::Task<Status> PodCgroups::ensure(std::shared_ptr<const corev1::Pod> pod) {
  if (!options_.cgroups_per_qos) co_return Status();
  std::optional<std::int64_t> class_shares;
  if (qos_class(*pod) == QosClass::kBurstable) {
    const std::int64_t milli = milli_of(pod_resources(*pod).requests, "cpu");
    auto [it, added] = burstable_milli_.try_emplace(pod->metadata.uid, milli);
    if (added || it->second != milli) {
      it->second = milli;
      class_shares = burstable_shares();
    }
  }
  co_return co_await async::offload(
      executor_, pool_,
      [group = parent_of(*pod), limits = limits_of(*pod, options_.quota_enforced), class_shares,
       burstable = class_group(QosClass::kBurstable)]() -> Status {
        if (class_shares) KPP_RETURN_IF_ERROR(make_group(burstable, shares(*class_shares)));
        return make_group(group, limits);
      });
}

async::Task<Status> PodCgroups::remove(std::shared_ptr<const corev1::Pod> pod) {
  if (!options_.cgroups_per_qos) co_return Status();
  burstable_milli_.erase(pod->metadata.uid);
  co_return co_await async::offload(executor_, pool_, [group = parent_of(*pod)]() -> Status {
    KPP_ASSIGN(const sys::Cgroups cgroups, sys::Cgroups::discover());
    return cgroups.remove(group, std::chrono::seconds(5));
  });
}

}  // namespace kpp::kubelet
