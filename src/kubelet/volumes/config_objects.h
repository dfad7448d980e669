// ConfigMaps and Secrets that the node's pods refer to: each watched once, as long as a pod needs
// it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "base/log.h"
#include "client/client.h"
#include "client/informer.h"
#include "kubelet/container/environment.h"

namespace kpp::kubelet {

// Guarantees: get() answers what a watch of that one object holds, after its first list. `changed`
// is called with the
//   uid of each pod that refers to an object that changed.
// Runs on: its executor only.
// Stop: stop() ends all watches.
class ConfigObjects {
 public:
  using Changed = std::function<void(const std::string& uid)>;

  ConfigObjects(async::Executor& executor, client::Client& client, Logger log, Changed changed);
  ~ConfigObjects();
  ConfigObjects(const ConfigObjects&) = delete;
  ConfigObjects& operator=(const ConfigObjects&) = delete;

  // The pod refers to exactly these objects from now on.
  void set_references(const std::string& uid, const corev1::Pod& pod);
  void forget(const std::string& uid);

  // Null if there is no object of that name. The pod must refer to it. An error only if stopped
  // first.
  async::Task<Result<std::shared_ptr<const corev1::ConfigMap>>> config_map(std::string namespace_,
                                                                           std::string name,
                                                                           async::StopToken stop);
  async::Task<Result<std::shared_ptr<const corev1::Secret>>> secret(std::string namespace_,
                                                                    std::string name,
                                                                    async::StopToken stop);
  // What a container's environment refers to.
  async::Task<Result<ConfigSnapshot>> snapshot(std::shared_ptr<const corev1::Pod> pod,
                                               corev1::Container container, async::StopToken stop);
  async::Task<void> stop();

 private:
  template <class T>
  struct Watched {
    std::shared_ptr<client::Informer<T>> informer;
    std::set<std::string> users;  // pod uids
  };
  template <class T>
  using Table = std::map<api::ObjectKey, Watched<T>>;

  template <class T>
  void use(Table<T>& table, const api::ObjectKey& key, const std::string& uid);
  template <class T>
  void drop_unused(Table<T>& table, const std::string& uid, const std::set<api::ObjectKey>& keep);
  template <class T>
  async::Task<Result<std::shared_ptr<const T>>> look_up(Table<T>* table, api::ObjectKey key,
                                                        async::StopToken stop);
  template <class T>
  static async::Task<void> end(std::shared_ptr<client::Informer<T>> informer);

  async::Executor& executor_;
  client::Client& client_;
  Logger log_;
  Changed changed_;
  Table<corev1::ConfigMap> config_maps_;
  Table<corev1::Secret> secrets_;
  async::Scope ending_;  // watches on their way out
};

// Names that the pod's volumes and containers refer to.
std::set<std::string> config_map_names(const corev1::Pod& pod);
std::set<std::string> secret_names(const corev1::Pod& pod);

}  // namespace kpp::kubelet
