// Security contexts of pods and containers as the runtime is told of them.
#pragma once

#include "api/corev1.h"
#include "api/cri.h"
#include "base/status.h"

namespace kpp::kubelet {

// Who a container runs as if nobody says otherwise: from the image.
struct ImageUser {
  std::optional<std::int64_t> uid;
  std::string username;
};

struct SeccompOptions {
  std::string directory;         // of profiles of type Localhost
  bool runtime_default = false;  // who names no profile has the runtime's own
};

// Errors: runAsNonRoot and a root user, in the original's words.
Result<cri::LinuxContainerSecurityContext> container_security(const corev1::Pod& pod,
                                                              const corev1::Container& container,
                                                              const ImageUser& image_user,
                                                              const SeccompOptions& seccomp);
cri::LinuxSandboxSecurityContext sandbox_security(const corev1::Pod& pod);

}  // namespace kpp::kubelet
