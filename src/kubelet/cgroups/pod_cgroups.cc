#include "kubelet/cgroups/pod_cgroups.h"

#include <algorithm>
#include <chrono>

#include "api/quantity.h"
#include "async/wait.h"
#include "kubelet/cgroups/systemd_slices.h"
#include "linux/process.h"

namespace kpp::kubelet {
namespace {

constexpr auto kRemoveDeadline = std::chrono::seconds(5);

Status run(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    auto done = sys::run_checked(command);
    if (!done) return std::move(done).error();
  }
  return {};
}

Status make_group(const CgroupName& name, const sys::CgroupLimits& limits, bool systemd) {
  KPP_ASSIGN(const sys::Cgroups cgroups, sys::Cgroups::discover());
  if (systemd) return run(slice_commands(systemd_unit(name), limits, cgroups.version()));
  const std::string group = cgroupfs_path(name);
  KPP_RETURN_IF_ERROR(cgroups.create(group));
  return cgroups.apply(group, limits);
}

Status remove_group(const CgroupName& name, bool systemd) {
  if (systemd) return run({remove_slice_command(systemd_unit(name))});
  KPP_ASSIGN(const sys::Cgroups cgroups, sys::Cgroups::discover());
  return cgroups.remove(cgroupfs_path(name), kRemoveDeadline);
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

sys::CgroupLimits limits_of_pods(const ResourceList& enforced) {
  sys::CgroupLimits out;
  if (enforced.contains("cpu")) out.cpu_shares = cpu_shares(milli_of(enforced, "cpu"));
  if (enforced.contains("memory")) out.memory_bytes = value_of(enforced, "memory");
  if (enforced.contains("pid")) out.pids = value_of(enforced, "pid");
  return out;
}

PodCgroups::PodCgroups(async::Executor& executor, async::ThreadPool& pool,
                       const KubeletOptions& options)
    : executor_(executor), pool_(pool), options_(options) {}

CgroupName PodCgroups::class_group(QosClass qos) const {
  CgroupName out = cgroup_name(options_.cgroup_root);
  out.emplace_back("kubepods");
  if (qos == QosClass::kBurstable) out.emplace_back("burstable");
  if (qos == QosClass::kBestEffort) out.emplace_back("besteffort");
  return out;
}

CgroupName PodCgroups::group_of(const corev1::Pod& pod) const {
  CgroupName out = class_group(qos_class(pod));
  out.push_back(cat("pod", pod.metadata.uid));
  return out;
}

std::string PodCgroups::parent_of(const corev1::Pod& pod) const {
  if (!options_.cgroups_per_qos) return {};
  return options_.systemd_cgroups ? systemd_path(group_of(pod)) : cgroupfs_path(group_of(pod));
}

std::int64_t PodCgroups::burstable_shares() const {
  std::int64_t milli = 0;
  for (const auto& [uid, value] : burstable_milli_) milli += value;
  return cpu_shares(milli);
}

async::Task<Status> PodCgroups::set_up_node(ResourceList pods) {
  if (!options_.cgroups_per_qos) co_return Status();
  const bool enforced = std::ranges::find(options_.enforce_node_allocatable, "pods") !=
                        options_.enforce_node_allocatable.end();
  const sys::CgroupLimits limits = enforced ? limits_of_pods(pods) : sys::CgroupLimits();
  co_return co_await async::offload(
      executor_, pool_,
      [all = class_group(QosClass::kGuaranteed), burstable = class_group(QosClass::kBurstable),
       best_effort = class_group(QosClass::kBestEffort), limits,
       systemd = options_.systemd_cgroups]() -> Status {
        KPP_RETURN_IF_ERROR(make_group(all, limits, systemd));
        KPP_RETURN_IF_ERROR(make_group(burstable, {}, systemd));
        return make_group(best_effort, shares(2), systemd);
      });
}

async::Task<Status> PodCgroups::hold(std::string group,
                                     std::map<std::string, std::string> reserved) {
  ResourceList amounts;
  for (const auto& [resource, text] : reserved) amounts[resource] = api::Quantity(text);
  co_return co_await async::offload(
      executor_, pool_,
      [name = cgroup_name(group), limits = limits_of_pods(amounts),
       systemd = options_.systemd_cgroups]() -> Status {
        KPP_ASSIGN(const sys::Cgroups cgroups, sys::Cgroups::discover());
        const std::string path = systemd ? systemd_path(name) : cgroupfs_path(name);
        if (!cgroups.exists(path))
          return {Reason::kNotFound, cat(join(name, "/"), " cgroup does not exist")};
        return make_group(name, limits, systemd);
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
  sys::CgroupLimits limits = limits_of(*pod, options_.quota_enforced);
  if (options_.pod_pids_limit > 0) limits.pids = options_.pod_pids_limit;
  co_return co_await async::offload(
      executor_, pool_,
      [group = group_of(*pod), limits, class_shares, burstable = class_group(QosClass::kBurstable),
       systemd = options_.systemd_cgroups]() -> Status {
        if (class_shares)
          KPP_RETURN_IF_ERROR(make_group(burstable, shares(*class_shares), systemd));
        return make_group(group, limits, systemd);
      });
}

async::Task<Status> PodCgroups::remove(std::shared_ptr<const corev1::Pod> pod) {
  if (!options_.cgroups_per_qos) co_return Status();
  burstable_milli_.erase(pod->metadata.uid);
  co_return co_await async::offload(executor_, pool_,
                                    [group = group_of(*pod), systemd = options_.systemd_cgroups] {
                                      return remove_group(group, systemd);
                                    });
}

}  // namespace kpp::kubelet
