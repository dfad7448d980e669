#include "kubelet/config/validation.h"

#include <algorithm>
#include <set>

#include "api/quantity.h"
#include "base/duration.h"

namespace kpp::kubelet {
namespace {

// Faults are gathered, so that a person hears of all of them at once.
class Faults {
 public:
  void invalid(std::string_view text) { faults_.push_back(cat("invalid configuration: ", text)); }
  void unsupported(std::string_view field, std::string_view value, std::string_view mend) {
    faults_.push_back(cat("invalid configuration: ", field, " ", value,
                          " is not supported by this kubelet; ", mend));
  }
  Status status() const {
    if (faults_.empty()) return {};
    if (faults_.size() == 1) return {Reason::kInvalid, faults_.front()};
    return {Reason::kInvalid, cat("[", join(faults_, ", "), "]")};
  }

 private:
  std::vector<std::string> faults_;
};

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

void check_ports(const Configuration& config, Faults& faults) {
  const auto bad = [](std::int64_t port, std::int64_t least) {
    return port < least || port > 65535;
  };
  if (config.healthz_port && bad(*config.healthz_port, 0)) {
    faults.invalid(cat("healthzPort (--healthz-port) ", *config.healthz_port,
                       " must be between 1 and 65535, inclusive"));
  }
  if (bad(config.port, 0))
    faults.invalid(cat("port (--port) ", config.port, " must be between 1 and 65535, inclusive"));
  if (bad(config.read_only_port, 0)) {
    faults.invalid(cat("readOnlyPort (--read-only-port) ", config.read_only_port,
                       " must be between 0 and 65535, inclusive"));
  }
}

void check_durations(const Configuration& config, Faults& faults) {
  const std::pair<const char*, const std::string&> spans[] = {
      {"nodeStatusUpdateFrequency", config.node_status_update_frequency},
      {"nodeStatusReportFrequency", config.node_status_report_frequency},
      {"authentication.webhook.cacheTTL", config.authentication.webhook.cache_ttl},
      {"authorization.webhook.cacheAuthorizedTTL",
       config.authorization.webhook.cache_authorized_ttl},
      {"authorization.webhook.cacheUnauthorizedTTL",
       config.authorization.webhook.cache_unauthorized_ttl},
      {"shutdownGracePeriod", config.shutdown_grace_period},
      {"shutdownGracePeriodCriticalPods", config.shutdown_grace_period_critical_pods},
      {"runtimeRequestTimeout", config.runtime_request_timeout}};
  for (const auto& [field, text] : spans) {
    if (text.empty()) continue;
    if (const auto span = parse_go_duration(text); !span)
      faults.invalid(cat(field, ": ", span.error().message()));
  }
}

void check_allocatable(const Configuration& config, Faults& faults) {
  const auto& enforced = config.enforce_node_allocatable;
  for (const std::string& word : enforced) {
    static constexpr std::string_view kKnown[] = {"pods",
                                                  "system-reserved",
                                                  "kube-reserved",
                                                  "system-reserved-compressible",
                                                  "kube-reserved-compressible",
                                                  "none"};
    if (std::ranges::find(kKnown, word) == std::end(kKnown)) {
      faults.invalid(cat("option ", quoted(word),
                         " specified for enforceNodeAllocatable (--enforce-node-allocatable). "
                         "Valid options are \"pods\", \"system-reserved\", \"kube-reserved\", or "
                         "\"none\""));
    }
    if (word == "none" && enforced.size() > 1) {
      faults.invalid(
          "enforceNodeAllocatable (--enforce-node-allocatable) may not contain additional "
          "enforcements when \"none\" is specified");
    }
    if (word.starts_with("system-reserved") && config.system_reserved_cgroup.empty()) {
      faults.invalid(cat("systemReservedCgroup (--system-reserved-cgroup) must be specified when ",
                         quoted(word),
                         " contained in enforceNodeAllocatable (--enforce-node-allocatable)"));
    }
    if (word.starts_with("kube-reserved") && config.kube_reserved_cgroup.empty()) {
      faults.invalid(cat("kubeReservedCgroup (--kube-reserved-cgroup) must be specified when ",
                         quoted(word),
                         " contained in enforceNodeAllocatable (--enforce-node-allocatable)"));
    }
  }
  if (!config.cgroups_per_qos.value_or(true) && !enforced.empty() && !contains(enforced, "none")) {
    faults.invalid(
        "enforceNodeAllocatable (--enforce-node-allocatable) is not supported unless cgroupsPerQOS "
        "(--cgroups-per-qos) is set to true");
  }
}

void check_reserved(std::string_view field, const std::map<std::string, std::string>& reserved,
                    Faults& faults) {
  for (const auto& [resource, text] : reserved) {
    if (resource != "cpu" && resource != "memory" && resource != "ephemeral-storage" &&
        resource != "pid") {
      faults.invalid(cat(field, ": cannot reserve ", quoted(resource), " resource"));
      continue;
    }
    const auto amount = api::Amount::parse(text);
    if (!amount) {
      faults.invalid(cat(field, ": failed to parse quantity ", quoted(text), " for ",
                         quoted(resource), " resource: ", amount.error().message()));
    } else if (amount->sign() < 0) {
      faults.invalid(
          cat(field, ": resource quantity for ", quoted(resource), " cannot be negative: ", text));
    }
  }
}

void check_eviction(const std::map<std::string, std::string>& thresholds, Faults& faults) {
  static constexpr std::string_view kSignals[] = {
      "memory.available",       "nodefs.available",
      "nodefs.inodesFree",      "imagefs.available",
      "imagefs.inodesFree",     "containerfs.available",
      "containerfs.inodesFree", "allocatableMemory.available",
      "pid.available"};
  for (const auto& [signal, text] : thresholds) {
    if (std::ranges::find(kSignals, signal) == std::end(kSignals)) {
      faults.invalid(cat("evictionHard: unknown signal ", quoted(signal)));
      continue;
    }
    const bool percent = text.ends_with('%');
    const auto amount =
        api::Amount::parse(percent ? std::string_view(text).substr(0, text.size() - 1) : text);
    if (!amount || amount->sign() < 0 || (percent && amount->to_double() > 100))
      faults.invalid(cat("evictionHard: invalid threshold ", quoted(text), " of ", signal));
  }
}

void check_numbers(const Configuration& config, Faults& faults) {
  if (config.max_pods < 0)
    faults.invalid(cat("maxPods (--max-pods) ", config.max_pods, " must not be a negative number"));
  if (config.pods_per_core < 0) {
    faults.invalid(cat("podsPerCore (--pods-per-core) ", config.pods_per_core,
                       " must not be a negative number"));
  }
  if (config.node_lease_duration_seconds < 0)
    faults.invalid("nodeLeaseDurationSeconds must be greater than 0");
  if (config.node_status_max_images && *config.node_status_max_images < -1) {
    faults.invalid(cat("nodeStatusMaxImages (--node-status-max-images) ",
                       *config.node_status_max_images, " must be -1 or greater"));
  }
}

void check_words(const Configuration& config, Faults& faults) {
  const std::string& mode = config.authorization.mode;
  if (!mode.empty() && mode != "AlwaysAllow" && mode != "Webhook")
    faults.invalid(cat("authorization.mode ", quoted(mode), " is not one of AlwaysAllow, Webhook"));
  const std::string& driver = config.cgroup_driver;
  if (!driver.empty() && driver != "cgroupfs" && driver != "systemd")
    faults.invalid(
        cat("cgroupDriver (--cgroup-driver) ", quoted(driver), " is not one of cgroupfs, systemd"));
  const std::string& least = config.tls_min_version;
  if (!least.empty() && least != "VersionTLS12") {
    faults.unsupported("tlsMinVersion", quoted(least),
                       "it speaks TLS 1.2 and newer: leave it at \"VersionTLS12\"");
  }
}

// What the person would rely on and not get.
void check_supported(const Configuration& config, Faults& faults) {
  const auto only = [&](std::string_view field, const std::string& value,
                        std::string_view supported) {
    if (!value.empty() && value != supported)
      faults.unsupported(field, quoted(value), cat("leave it at ", quoted(supported)));
  };
  only("cpuManagerPolicy", config.cpu_manager_policy, "none");
  only("memoryManagerPolicy", config.memory_manager_policy, "None");
  only("topologyManagerPolicy", config.topology_manager_policy, "none");
  only("memorySwap.swapBehavior", config.memory_swap.swap_behavior, "NoSwap");
  only("memoryReservationPolicy", config.memory_reservation_policy, "None");
  only("logging.format", config.logging.format, "text");
  if (!config.image_service_endpoint.empty() &&
      config.image_service_endpoint != config.container_runtime_endpoint) {
    faults.unsupported("imageServiceEndpoint", quoted(config.image_service_endpoint),
                       "images are asked for where containers are");
  }
  const std::pair<const char*, bool> asked[] = {
      {"staticPodURL", !config.static_pod_url.empty()},
      {"readOnlyPort", config.read_only_port != 0},
      {"runOnce", config.run_once},
      {"tracing", static_cast<bool>(config.tracing)},
      {"qosReserved", !config.qos_reserved.empty()},
      {"reservedSystemCPUs", !config.reserved_system_cpus.empty()},
      {"reservedMemory", !config.reserved_memory.empty()},
      {"evictionSoft", !config.eviction_soft.empty()},
      {"enableSystemLogQuery", config.enable_system_log_query.value_or(false)},
      {"protectKernelDefaults", config.protect_kernel_defaults},
      {"tlsCipherSuites", !config.tls_cipher_suites.empty()},
      {"tlsCurvePreferences", !config.tls_curve_preferences.empty()},
  };
  for (const auto& [field, set] : asked) {
    if (set) faults.unsupported(field, "as given", "leave it out");
  }
}

}  // namespace

Status validate_configuration(const Configuration& config) {
  Faults faults;
  check_ports(config, faults);
  check_durations(config, faults);
  check_numbers(config, faults);
  check_words(config, faults);
  check_allocatable(config, faults);
  check_reserved("kubeReserved", config.kube_reserved, faults);
  check_reserved("systemReserved", config.system_reserved, faults);
  check_eviction(config.eviction_hard, faults);
  check_supported(config, faults);
  return faults.status();
}

Status check_machine(const Configuration& config, bool swap_on, sys::CgroupVersion cgroups) {
  if (swap_on && config.fail_swap_on.value_or(true)) {
    return {Reason::kInvalid,
            "running with swap on is not supported, please disable swap or set --fail-swap-on flag "
            "to false"};
  }
  if (cgroups == sys::CgroupVersion::kV1 && config.fail_cgroup_v1.value_or(false)) {
    return {Reason::kInvalid,
            "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is "
            "unsupported and will be removed in a future release"};
  }
  return {};
}

std::vector<std::string> fields_without_effect(const json::Object& document) {
  static const std::set<std::string_view> kFields = {"syncFrequency",
                                                     "fileCheckFrequency",
                                                     "httpCheckFrequency",
                                                     "registryPullQPS",
                                                     "registryBurst",
                                                     "imagePullCredentialsVerificationPolicy",
                                                     "preloadedImagesVerificationAllowlist",
                                                     "eventRecordQPS",
                                                     "eventBurst",
                                                     "enableContentionProfiling",
                                                     "oomScoreAdj",
                                                     "streamingConnectionIdleTimeout",
                                                     "imageMinimumGCAge",
                                                     "imageMaximumGCAge",
                                                     "imageGCHighThresholdPercent",
                                                     "imageGCLowThresholdPercent",
                                                     "volumeStatsAggPeriod",
                                                     "kubeletCgroups",
                                                     "systemCgroups",
                                                     "singleProcessOOMKill",
                                                     "runtimeRequestTimeout",
                                                     "hairpinMode",
                                                     "podCIDR",
                                                     "cpuCFSQuotaPeriod",
                                                     "maxOpenFiles",
                                                     "contentType",
                                                     "kubeAPIQPS",
                                                     "kubeAPIBurst",
                                                     "serializeImagePulls",
                                                     "maxParallelImagePulls",
                                                     "evictionSoftGracePeriod",
                                                     "evictionPressureTransitionPeriod",
                                                     "evictionMaxPodGracePeriod",
                                                     "evictionMinimumReclaim",
                                                     "enableControllerAttachDetach",
                                                     "makeIPTablesUtilChains",
                                                     "iptablesMasqueradeBit",
                                                     "iptablesDropBit",
                                                     "featureGates",
                                                     "containerLogMaxSize",
                                                     "containerLogMaxFiles",
                                                     "containerLogMaxWorkers",
                                                     "containerLogMonitorInterval",
                                                     "configMapAndSecretChangeDetectionStrategy",
                                                     "showHiddenMetricsForVersion",
                                                     "volumePluginDir",
                                                     "kernelMemcgNotification",
                                                     "shutdownGracePeriod",
                                                     "shutdownGracePeriodCriticalPods",
                                                     "shutdownGracePeriodByPodPriority",
                                                     "crashLoopBackOff",
                                                     "memoryThrottlingFactor",
                                                     "localStorageCapacityIsolation",
                                                     "userNamespaces"};
  std::vector<std::string> out;
  for (const auto& member : document) {
    if (!kFields.contains(std::string_view(member.key()))) continue;
    const json::Value& value = member.value();
    const bool empty =
        value.is_null() || (value.is_object() && value.get_object().empty()) ||
        (value.is_array() && value.get_array().empty()) ||
        (value.is_string() && (value.get_string().empty() || value.get_string() == "0s"));
    if (!empty) out.emplace_back(member.key());
  }
  return out;
}

}  // namespace kpp::kubelet
