// Deletes objects whose owners are all gone, and carries out foreground and orphaning deletions.
#pragma once

#include "codec/json.h"
#include "controllers/controller.h"
#include "controllers/garbage_collector/graph.h"

namespace kpp::controllers {

// Watches the metadata of every resource that can be listed, watched and deleted, but for events.
// Keys of its queue are uids. A resource that cannot be listed within 30 s of the start is waited
// for no longer.
class GarbageCollector final : public Controller {
 public:
  explicit GarbageCollector(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;
  async::Task<void> run_beside(async::StopToken stop) override;

 private:
  enum class OwnerState { kSolid, kAbsent, kWaiting };

  void on_change(const api::TypeDesc& type, const client::InformerBase::Ref& before,
                 const client::InformerBase::Ref& after);
  void enqueue(const std::string& uid) { queue().add({"", uid}); }
  async::Task<Status> collect(OwnerGraph::Node node, async::StopToken stop);
  async::Task<Status> delete_dependents_first(OwnerGraph::Node node, async::StopToken stop);
  async::Task<Status> orphan_dependents(OwnerGraph::Node node, async::StopToken stop);
  async::Task<Status> remove_finalizer(OwnerGraph::Node node, std::string finalizer,
                                       async::StopToken stop);
  async::Task<Status> remove_owners(const api::TypeDesc* type, metav1::ObjectMeta object,
                                    std::vector<std::string> uids, async::StopToken stop);
  // The object holds up the foreground deletion of no owner any more.
  async::Task<Status> unblock_owners(const api::TypeDesc* type, metav1::ObjectMeta object,
                                     async::StopToken stop);
  async::Task<Status> patch_owners(const api::TypeDesc* type, metav1::ObjectMeta object,
                                   json::Array changes, async::StopToken stop);
  async::Task<Result<OwnerState>> state_of(metav1::OwnerReference owner, std::string namespace_,
                                           async::StopToken stop);

  OwnerGraph graph_;
  std::vector<client::InformerBase*> sources_;
  async::Event ready_;
};

}  // namespace kpp::controllers
