// One look at a stateful set: its pods in their order, then its status.
#pragma once

#include "client/client.h"
#include "client/event_recorder.h"
#include "client/work_queue.h"
#include "controllers/history/controller_revisions.h"
#include "controllers/shared_informers.h"
#include "controllers/statefulset/stateful_pods.h"

namespace kpp::controllers {

// Lives for one reconciliation.
//
// Guarantees: with OrderedReady, a pod is made only when all before it are available, and one is
//   taken only when all after it are gone; a pod that ends is deleted before its name is used
//   again.
// Ownership: all of Deps must outlive it.
class StatefulSetSync {
 public:
  struct Deps {
    async::Executor& executor;
    client::Client& client;
    client::EventRecorder& events;
    client::WorkQueue& queue;
    Lister<corev1::PersistentVolumeClaim> claims;
  };
  // `current`, `update`: what unchanged and changed pods are made from.
  struct Revisions {
    RevisionRef current, update;
    std::int32_t collision_count = 0;
  };
  StatefulSetSync(Deps deps, appsv1::StatefulSet set, std::vector<PodRef> pods,
                  Revisions revisions);

  async::Task<Status> run(async::StopToken stop);

 private:
  // A pod that is there, or is to be made.
  struct Slot {
    corev1::Pod pod;
    bool exists = false;
  };
  async::Task<Status> act(async::StopToken stop);
  Result<Slot> fresh_slot(std::int32_t ordinal) const;
  bool made_from_current(std::int32_t ordinal) const;
  void count(const corev1::Pod& pod, int sign);
  // True: stop here for this time.
  async::Task<Result<bool>> tend_replica(Slot& slot, async::StopToken stop);
  async::Task<Result<bool>> tend_condemned(std::size_t index, async::StopToken stop);
  async::Task<Status> roll(async::StopToken stop);

  async::Task<Status> create_pod(Slot& slot, async::StopToken stop);
  async::Task<Status> update_pod(corev1::Pod pod, async::StopToken stop);
  async::Task<Status> delete_pod(corev1::Pod pod, async::StopToken stop);
  async::Task<Status> create_claims(corev1::Pod pod, async::StopToken stop);
  async::Task<Status> update_claim_owners(corev1::Pod pod, async::StopToken stop);
  async::Task<Status> write_status(async::StopToken stop);
  // `verb`: Create, Update, Delete.
  void event(const std::string& verb, const std::string& name, const Status& status);
  bool is_parallel() const { return set_.spec.pod_management_policy == "Parallel"; }
  bool available(const corev1::Pod& pod) const;
  bool healthy(const corev1::Pod& pod) const;
  // It does not serve, and every pod of a lower ordinal does.
  bool is_first_sick(const corev1::Pod& pod) const;

  Deps deps_;
  const appsv1::StatefulSet set_;
  const std::vector<PodRef> pods_;
  const Revisions revisions_;
  appsv1::StatefulSetStatus status_;
  std::vector<Slot> replicas_;          // by ordinal, all of them
  std::vector<corev1::Pod> condemned_;  // the highest ordinal first
};

}  // namespace kpp::controllers
