// What the parts of a Scheduler share: scheduler.cc runs the loop, watches.cc hears of changes,
// binding.cc and evictions.cc write what was decided.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/appsv1.h"
#include "api/policyv1.h"
#include "api/storagev1.h"
#include "async/wait.h"
#include "client/informer.h"
#include "scheduler/cache.h"
#include "scheduler/cycle.h"
#include "scheduler/events.h"
#include "scheduler/queue.h"
#include "scheduler/scheduler.h"

namespace kpp::scheduler {

struct Scheduler::State {
  State(SchedulerDeps d, SchedulerOptions o);

  void start();
  async::Task<bool> wait_synced(async::StopToken stop);
  async::Task<void> stop_informers();

  // watches.cc
  void add_handlers();
  void pod_changed(const PodRef& before, const PodRef& after);
  void node_changed(const NodeRef& before, const NodeRef& after);
  void claim_changed(const api::ClaimRef& before, const api::ClaimRef& after);
  void pod_waits(const PodRef& pod);
  void pod_left(const api::ObjectKey& key);
  // Pods that look at other pods may have been waiting for this one's coming or going.
  void wake_those_looking_at(const PodInfo& pod);

  // scheduler.cc
  async::Task<void> run(async::StopToken stop);
  void schedule(QueuedPod pod);
  void refuse(QueuedPod pod, Decision decision);
  // `nominated`: the node that is kept for the pod, empty for none any more; nullopt: as it is.
  async::Task<void> write_condition(PodRef pod, std::string reason, std::string message,
                                    std::optional<std::string> nominated, async::StopToken stop);

  // binding.cc
  async::Task<void> bind(QueuedPod pod, std::string node, VolumePlan plan, async::StopToken stop);
  async::Task<Status> bind_volumes(std::string node, VolumePlan plan, async::StopToken stop);
  async::Task<Status> promise(VolumePlan::Binding binding, async::StopToken stop);
  async::Task<Status> ask_provisioner(api::ObjectKey claim, std::string node,
                                      async::StopToken stop);
  async::Task<Status> wait_until_bound(std::vector<api::ObjectKey> claims, std::string node,
                                       async::StopToken stop);
  void binding_failed(QueuedPod pod, const std::string& why);

  // evictions.cc
  async::Task<void> evict(PodRef victim, PodRef preemptor, std::string node, async::StopToken stop);
  void take_nominations_from_lower(const PodInfo& preemptor, const std::string& node);
  async::Task<void> clear_nomination(PodRef pod, async::StopToken stop);

  SchedulerDeps deps;
  const SchedulerOptions options;
  Cache cache;
  Queue queue;
  Cycle cycle;
  Events events;
  client::Informer<corev1::Pod> pods;
  client::Informer<corev1::Node> nodes;
  client::Informer<corev1::Namespace> namespaces;
  client::Informer<corev1::PersistentVolumeClaim> claims;
  client::Informer<corev1::PersistentVolume> volumes;
  client::Informer<storagev1::StorageClass> classes;
  client::Informer<storagev1::CSINode> node_limits;
  client::Informer<policyv1::PodDisruptionBudget> budgets;
  client::Informer<corev1::Service> services;
  client::Informer<corev1::ReplicationController> replication_controllers;
  client::Informer<appsv1::ReplicaSet> replica_sets;
  client::Informer<appsv1::StatefulSet> stateful_sets;
  async::Semaphore binds;
  async::Event storage_changed;
  async::Scope scope;
};

}  // namespace kpp::scheduler
