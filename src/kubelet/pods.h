// All pods of the node: one worker each.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "client/informer.h"
#include "kubelet/pleg.h"
#include "kubelet/pod_worker.h"

namespace kpp::kubelet {

// Guarantees: a pod bound to the node has a worker until it is gone from the API and from the
// runtime. Two pods of one
//   name follow each other: the second starts when it is there, whatever the first is doing.
//   Sandboxes that belong to no pod of the API are stopped and removed, once the API has been read.
// Runs on: its executor only.
class Pods {
 public:
  explicit Pods(const PodDeps& deps);
  ~Pods();
  Pods(const Pods&) = delete;
  Pods& operator=(const Pods&) = delete;

  void start();
  async::Task<void> stop();

  void poke(const std::string& uid);
  // By name; nullptr if there is none. The newest, if there are several.
  const PodWorker* find(const std::string& namespace_, const std::string& name) const;
  std::vector<const PodWorker*> all() const;
  bool runtime_healthy() const { return pleg_.healthy(); }

 private:
  void changed(const PodRef& old_pod, const PodRef& new_pod);
  // The pods that the node has taken and that have not ended, but one.
  std::vector<PodRef> taken(const std::string& except) const;
  void ended(const std::string& uid);
  void runtime_listed(const std::map<std::string, std::vector<std::string>>& sandboxes_by_uid);
  async::Task<void> drop(std::unique_ptr<PodWorker> worker);
  async::Task<void> remove_orphan(std::string uid, std::vector<std::string> sandboxes);

  const PodDeps& deps_;
  std::map<std::string, std::unique_ptr<PodWorker>> workers_;  // by uid
  std::map<std::string, int> orphans_;  // by uid: lists in which it was seen; -1: being removed
  client::Informer<corev1::Pod> informer_;
  Pleg pleg_;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
