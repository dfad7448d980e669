#include "kubelet/config/options_of.h"

#include "base/duration.h"
#include "base/fs.h"

namespace kpp::kubelet {
namespace {

void take(std::string& out, const std::string& given) {
  if (!given.empty()) out = given;
}
void take(std::int32_t& out, std::int32_t given) {
  if (given != 0) out = given;
}
template <class T>
void take(std::vector<T>& out, const std::vector<T>& given) {
  if (!given.empty()) out = given;
}
template <class T>
void take(T& out, const std::optional<T>& given) {
  if (given) out = *given;
}
// "0s" and nothing both stand for the default.
Status take_span(Duration& out, const std::string& given) {
  if (given.empty()) return {};
  KPP_ASSIGN(const Duration span, parse_go_duration(given));
  if (span != Duration::zero()) out = span;
  return {};
}

Status apply_access(const Configuration& config, AccessOptions& access) {
  const auto& who = config.authentication;
  if (!who.x509.client_ca_file.empty()) {
    auto pem = fs::read_file(who.x509.client_ca_file, 1u << 20);
    if (!pem) {
      return std::move(pem).error().with_context(
          cat("unable to load client CA file ", who.x509.client_ca_file));
    }
    access.client_ca = std::move(*pem);
  }
  take(access.anonymous, who.anonymous.enabled);
  take(access.token_webhook, who.webhook.enabled);
  KPP_RETURN_IF_ERROR(take_span(access.token_ttl, who.webhook.cache_ttl));
  const auto& what = config.authorization;
  if (!what.mode.empty()) access.webhook = what.mode == "Webhook";
  KPP_RETURN_IF_ERROR(take_span(access.allowed_ttl, what.webhook.cache_authorized_ttl));
  return take_span(access.denied_ttl, what.webhook.cache_unauthorized_ttl);
}

void apply_resources(const Configuration& config, KubeletOptions& out) {
  if (!config.kube_reserved.empty()) out.kube_reserved = config.kube_reserved;
  if (!config.system_reserved.empty()) out.system_reserved = config.system_reserved;
  take(out.kube_reserved_cgroup, config.kube_reserved_cgroup);
  take(out.system_reserved_cgroup, config.system_reserved_cgroup);
  take(out.enforce_node_allocatable, config.enforce_node_allocatable);
  if (!config.eviction_hard.empty()) {
    auto thresholds = config.eviction_hard;
    if (config.merge_default_eviction_settings.value_or(false)) {
      thresholds.insert(out.eviction_hard.begin(), out.eviction_hard.end());
    }
    out.eviction_hard = std::move(thresholds);
  }
  take(out.cgroups_per_qos, config.cgroups_per_qos);
  if (!out.cgroups_per_qos && config.enforce_node_allocatable.empty())
    out.enforce_node_allocatable.clear();
  take(out.cgroup_root, config.cgroup_root);
  if (!config.cgroup_driver.empty()) out.systemd_cgroups = config.cgroup_driver == "systemd";
  take(out.max_pods, config.max_pods);
  take(out.pods_per_core, config.pods_per_core);
  take(out.pod_pids_limit, config.pod_pids_limit);
  take(out.quota_enforced, config.cpu_cfs_quota);
}

}  // namespace

Status apply_configuration(const Configuration& config, KubeletOptions& out) {
  KPP_RETURN_IF_ERROR(apply_access(config, out.access));
  apply_resources(config, out);
  for (const auto& taint : config.register_with_taints)
    out.register_with_taints.push_back({taint.key, taint.value, taint.effect});
  take(out.provider_id, config.provider_id);
  take(out.register_node, config.register_node);
  KPP_RETURN_IF_ERROR(take_span(out.status_period, config.node_status_update_frequency));
  // Who sets how often the status is computed means how often it is written.
  KPP_RETURN_IF_ERROR(take_span(out.report_period, config.node_status_update_frequency));
  KPP_RETURN_IF_ERROR(take_span(out.report_period, config.node_status_report_frequency));
  take(out.lease_seconds, config.node_lease_duration_seconds);
  take(out.status_max_images, config.node_status_max_images);
  take(out.static_pod_path, config.static_pod_path);
  take(out.pod_log_dir, config.pod_logs_dir);
  take(out.container_runtime_endpoint, config.container_runtime_endpoint);
  take(out.resolv_conf, config.resolv_conf);
  take(out.cluster_dns, config.cluster_dns);
  take(out.cluster_domain, config.cluster_domain);
  take(out.seccomp_default, config.seccomp_default);
  take(out.allowed_unsafe_sysctls, config.allowed_unsafe_sysctls);
  take(out.bind_address, config.address);
  if (config.port != 0) out.port = static_cast<std::uint16_t>(config.port);
  take(out.serves, config.enable_server);
  take(out.serves_debugging, config.enable_debugging_handlers);
  return {};
}

}  // namespace kpp::kubelet
