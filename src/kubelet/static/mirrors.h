// Keeps an object in the API for each static pod of the node, and none for those that are gone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/corev1.h"
#include "api/meta.h"
#include "async/executor.h"
#include "async/scope.h"
#include "async/wait.h"
#include "base/log.h"
#include "client/client.h"

namespace kpp::kubelet {

// Guarantees: a mirror that is missing, is being deleted or stands for another pod of the name is
// replaced; one whose pod is gone is deleted. Who deleted a mirror has a second to see it leave
// before the next of its name comes: clients wait for the object to go, by name. What fails is
// tried again. Runs on: its executor only.
class Mirrors {
 public:
  using PodRef = std::shared_ptr<const corev1::Pod>;
  using Found = std::function<void(const PodRef& pod, const PodRef& mirror)>;

  // `node_uid`: empty as long as the node is not registered. `found` is called for a static pod
  // whose mirror stands in the API.
  Mirrors(async::Executor& executor, client::Client& client, Logger log,
          std::function<std::string()> node_uid, Found found);
  Mirrors(const Mirrors&) = delete;
  Mirrors& operator=(const Mirrors&) = delete;

  void start();
  async::Task<void> stop();

  // What the API has; null: nothing any more.
  void seen(const api::ObjectKey& key, PodRef mirror);
  // The API was read as a whole once; nothing is done before.
  void synced();
  // Looks again: somebody has come who wants to hear of a mirror.
  void look() { wake_.set(); }
  // The static pods that shall have a mirror, by name.
  void want(std::map<api::ObjectKey, PodRef> pods);

 private:
  async::Task<void> run();
  async::Task<bool> put_right(api::ObjectKey key, async::StopToken stop);

  bool leaves_still(const corev1::Pod& mirror);

  async::Executor& executor_;
  client::Client& client_;
  Logger log_;
  std::function<std::string()> node_uid_;
  Found found_;
  std::map<api::ObjectKey, PodRef> wanted_;
  std::map<api::ObjectKey, PodRef> there_;
  std::map<std::string, TimePoint> leaving_;  // by uid: since when a mirror is being deleted
  bool synced_ = false;
  bool wanted_known_ = false;
  async::Event wake_;
  async::Scope scope_;
};

}  // namespace kpp::kubelet
