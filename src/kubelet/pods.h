// All pods of the node: one worker each.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "client/informer.h"
#include "kubelet/pleg.h"
#include "kubelet/pod_worker.h"
#include "kubelet/static/mirrors.h"
#include "kubelet/static/pod_folder.h"

namespace kpp::kubelet {

// Guarantees: a pod bound to the node has a worker until it is gone from the API and from the
// runtime. Two pods of one
//   name follow each other: the second starts when it is there, whatever the first is doing.
//   Static pods come from the node's folder and have a mirror in the API, which has no worker.
//   Sandboxes that belong to no pod of the API or the folder are stopped and removed, once both
//   have been read.
// Runs on: its executor only.
class Pods {
 public:
  explicit Pods(const PodDeps& deps);
  ~Pods();
  Pods(const Pods&) = delete;
  Pods& operator=(const Pods&) = delete;

  // The folder's pods: they run whether the API server answers or not, which may be one of them.
  void start();
  // The API's pods, once what they need of it is there.
  void follow_api() { informer_.start(); }
  async::Task<void> stop();

  void poke(const std::string& uid);
  void evict(const std::string& uid, std::string why);
  // By name; nullptr if there is none. The newest, if there are several.
  const PodWorker* find(const std::string& namespace_, const std::string& name) const;
  std::vector<const PodWorker*> all() const;
  // The pods that the node has taken and that have not ended, but one.
  std::vector<PodRef> taken(const std::string& except) const;
  bool runtime_healthy() const { return pleg_.healthy(); }

 private:
  void changed(const PodRef& old_pod, const PodRef& new_pod);
  void static_changed(const PodFolder::Pods& pods);
  void start_static();
  void add(const PodRef& pod);
  void room_may_be_made();
  async::Task<void> tell_mirrors();
  void ended(const std::string& uid);
  void runtime_listed(const std::map<std::string, std::vector<std::string>>& sandboxes_by_uid);
  async::Task<void> drop(std::unique_ptr<PodWorker> worker);
  async::Task<void> remove_orphan(std::string uid, std::vector<std::string> sandboxes);
  // Directories of pods that are neither in the API nor in the runtime.
  async::Task<void> sweep_directories(std::set<std::string> in_runtime);

  const PodDeps& deps_;
  std::map<std::string, std::unique_ptr<PodWorker>> workers_;  // by uid
  std::map<std::string, int> orphans_;  // by uid: lists in which it was seen; -1: being removed
  client::Informer<corev1::Pod> informer_;
  Pleg pleg_;
  int lists_until_sweep_ = 3;
  PodFolder::Pods static_pods_;  // as the folder has them, by uid
  bool folder_read_ = false;
  PodFolder folder_;
  Mirrors mirrors_;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
