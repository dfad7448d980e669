// Images: present, pulled, or refused with the reason that the pod's status shows.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "kubelet/container/security.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/status/pod_status.h"

namespace kpp::kubelet {

// The name with ":latest" if it has neither tag nor digest. Errors in the words of the reference
// grammar.
Result<std::string> with_default_tag(const std::string& image);

// "1.234s", "56ms", "1m2.5s", as Go prints a duration.
std::string go_duration(Duration time);

// Guarantees: pulls run at the same time; an image that could not be pulled for a pod is tried
// again after 10 s,
//   doubled up to 300 s.
// Runs on: its executor only.
class Images {
 public:
  struct Ready {
    std::string ref;  // by which containers are made
    ImageUser user;
  };
  using Report =
      std::function<void(std::string_view type, std::string_view reason, std::string message)>;

  Images(async::Executor& executor, Runtime& runtime) : executor_(executor), runtime_(runtime) {}

  async::Task<std::expected<Ready, StartError>> ensure(std::shared_ptr<const corev1::Pod> pod,
                                                       corev1::Container container,
                                                       cri::PodSandboxConfig sandbox,
                                                       std::vector<cri::AuthConfig> credentials,
                                                       Report report, async::StopToken stop);
  // When the next pull for the pod may start; nothing if it may now.
  std::optional<TimePoint> retry_at(const std::string& uid, const std::string& image) const;
  void forget(const std::string& uid);

 private:
  struct BackOff {
    Duration wait;
    TimePoint since;
    std::string error;
  };
  async::Task<std::expected<Ready, StartError>> pull(std::shared_ptr<const corev1::Pod> pod,
                                                     corev1::Container container,
                                                     cri::ImageSpec spec,
                                                     cri::PodSandboxConfig sandbox,
                                                     std::vector<cri::AuthConfig> credentials,
                                                     Report report, async::StopToken stop);

  async::Executor& executor_;
  Runtime& runtime_;
  std::map<std::pair<std::string, std::string>, BackOff> back_off_;  // by pod uid and image
};

}  // namespace kpp::kubelet
