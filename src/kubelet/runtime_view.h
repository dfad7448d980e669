// What the runtime holds of one pod, read at one time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "async/executor.h"
#include "kubelet/cri/runtime.h"

namespace kpp::kubelet {

// Labels and annotations by which the kubelet finds its sandboxes and containers again; those of
// the original.
namespace label {
inline constexpr const char* kPodName = "io.kubernetes.pod.name";
inline constexpr const char* kPodNamespace = "io.kubernetes.pod.namespace";
inline constexpr const char* kPodUid = "io.kubernetes.pod.uid";
inline constexpr const char* kContainerName = "io.kubernetes.container.name";
inline constexpr const char* kHash = "io.kubernetes.container.hash";
inline constexpr const char* kRestartCount = "io.kubernetes.container.restartCount";
inline constexpr const char* kTerminationMessagePath =
    "io.kubernetes.container.terminationMessagePath";
inline constexpr const char* kTerminationMessagePolicy =
    "io.kubernetes.container.terminationMessagePolicy";
inline constexpr const char* kPreStopHandler = "io.kubernetes.container.preStopHandler";
inline constexpr const char* kPorts = "io.kubernetes.container.ports";
inline constexpr const char* kPodTerminationGrace = "io.kubernetes.pod.terminationGracePeriod";
inline constexpr const char* kPodDeletionGrace = "io.kubernetes.pod.deletionGracePeriod";
inline constexpr const char* kConfigSource = "kubernetes.io/config.source";
inline constexpr const char* kConfigSeen = "kubernetes.io/config.seen";
}  // namespace label

struct SandboxRecord {
  std::string id;
  bool ready = false;
  std::int64_t created_at = 0;
  std::uint32_t attempt = 0;
  bool host_network = false;
  std::vector<std::string> ips;
};

struct ContainerRecord {
  std::string id;
  std::string name;
  cri::ContainerState state = cri::CONTAINER_UNKNOWN;
  std::int64_t created_at = 0, started_at = 0, finished_at = 0;  // nanoseconds since 1970
  std::int32_t exit_code = 0;
  std::string image;
  std::string image_id;
  std::string hash;
  std::int32_t restart_count = 0;
  std::string reason;
  std::string message;  // with the termination message
  std::string log_path;
};

struct PodRuntime {
  std::string runtime_name;                 // "containerd"
  std::vector<SandboxRecord> sandboxes;     // newest first
  std::vector<ContainerRecord> containers;  // newest first

  // The newest container of a name; nullptr if there is none.
  const ContainerRecord* find(std::string_view name) const;
  const ContainerRecord* by_id(std::string_view id) const;
  bool any_running() const;
  // As the API has it: "containerd://4f2c…".
  std::string api_id(const std::string& id) const { return cat(runtime_name, "://", id); }
  const SandboxRecord* ready_sandbox() const;  // the newest sandbox, if it is ready
};

// Reads sandboxes and containers of a pod with their states. What vanishes while it reads is left
// out.
async::Task<Result<PodRuntime>> read_pod_runtime(Runtime& runtime, async::Executor& executor,
                                                 async::ThreadPool& pool, std::string uid,
                                                 async::StopToken stop);

// The hash of a container's name and image by which a changed definition is noticed.
std::string container_hash(const corev1::Container& container);

}  // namespace kpp::kubelet
