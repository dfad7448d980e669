#include "kubelet/pod_deps.h"

#include "kubelet/container/container_config.h"

namespace kpp::kubelet {

void pod_event(const PodDeps& deps, const corev1::Pod& pod, const std::string& container,
               std::string_view type, std::string_view reason, std::string message) {
  const std::string path = container.empty() ? std::string() : container_field_path(pod, container);
  deps.events.event(client::reference_to(corev1::Pod::desc(), pod.metadata, path), type, reason,
                    std::move(message));
}

}  // namespace kpp::kubelet
