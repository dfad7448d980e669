// What the workers of all pods share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/corev1.h"
#include "async/executor.h"
#include "base/log.h"
#include "client/client.h"
#include "client/event_recorder.h"
#include "kubelet/cgroups/pod_cgroups.h"
#include "kubelet/container/dns_config.h"
#include "kubelet/container/field_path.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/images.h"
#include "kubelet/options.h"
#include "kubelet/probes/dial.h"
#include "kubelet/resize/allocations.h"
#include "kubelet/volumes/config_objects.h"
#include "kubelet/volumes/tokens.h"

namespace kpp::kubelet {

using PodRef = std::shared_ptr<const corev1::Pod>;
using NodeLabels = std::map<std::string, std::string>;
using Services = std::vector<std::shared_ptr<const corev1::Service>>;

// What pods are told of their node.
struct NodeFacts {
  std::int64_t memory_capacity = 0;
  ResourceList allocatable;
  std::vector<std::string> host_ips;
  std::vector<std::string> allowed_unsafe_sysctls;
};

// Ownership: all of it outlives the workers.
struct PodDeps {
  async::Executor& executor;
  async::ThreadPool& pool;
  Runtime& runtime;
  client::Client& client;
  client::EventRecorder& events;
  const Logger& log;
  const KubeletOptions& options;
  const NodeFacts& node;
  Images& images;
  ConfigObjects& objects;
  Tokens& tokens;
  PodCgroups& cgroups;
  Dialer& dialer;
  Allocations& allocations;
  std::function<Services()> services;
  // The pods that count against the node's room, but one.
  std::function<std::vector<PodRef>(const std::string& except_uid)> others = {};
  std::function<NodeLabels()> node_labels = {};
  std::function<std::string()> node_uid = {};  // empty as long as the node is not registered
};

// An event about a pod, or about one of its containers.
void pod_event(const PodDeps& deps, const corev1::Pod& pod, const std::string& container,
               std::string_view type, std::string_view reason, std::string message);

}  // namespace kpp::kubelet
