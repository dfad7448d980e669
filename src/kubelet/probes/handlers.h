// What a probe asks of a container, and its answer.
#pragma once

#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/probes/dial.h"

namespace kpp::kubelet {

enum class ProbeOutcome { kSuccess, kWarning, kFailure, kUnknown };

struct ProbeAnswer {
  ProbeOutcome outcome = ProbeOutcome::kUnknown;
  std::string output;
};

struct ProbeTarget {
  std::string container_id;
  std::string pod_ip;
};

// kUnknown means that the probe itself did not work; output then is why.
async::Task<ProbeAnswer> run_probe(Runtime& runtime, Dialer& dialer, corev1::Probe probe,
                                   corev1::Container container, ProbeTarget target,
                                   async::StopToken stop);

// The request that an httpGet action describes. Errors: a port name that the container does not
// have.
Result<HttpProbe> http_probe(const corev1::HTTPGetAction& action,
                             const corev1::Container& container, const std::string& pod_ip,
                             const char* user_agent);
Result<int> resolve_port(const api::IntOrString& port, const corev1::Container& container);

}  // namespace kpp::kubelet
