// Keeps one pod of each daemon set on every node that it fits.
#pragma once

#include "controllers/controller.h"
#include "controllers/daemonset/daemon_pods.h"
#include "controllers/history/controller_revisions.h"

namespace kpp::controllers {

class DaemonSetController final : public Controller {
 public:
  explicit DaemonSetController(ControllerContext context);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  using SetRef = std::shared_ptr<const appsv1::DaemonSet>;
  struct History {
    std::string hash;              // of the current revision
    std::vector<RevisionRef> old;  // all others
  };

  void on_pod(const PodRef& before, const PodRef& after);
  void on_node(const NodeRef& before, const NodeRef& after);
  SetRef set_of(const std::string& namespace_, const metav1::OwnerReference* controller) const;

  async::Task<Result<History>> construct_history(SetRef set, std::vector<PodRef> pods,
                                                 async::StopToken stop);
  async::Task<Result<RevisionRef>> create_revision(SetRef set, std::int64_t revision,
                                                   async::StopToken stop);
  async::Task<Status> keep_one_current(std::vector<RevisionRef> surplus, std::string hash,
                                       std::vector<PodRef> pods, async::StopToken stop);
  async::Task<Status> clean_history(SetRef set, std::vector<RevisionRef> old,
                                    std::vector<PodRef> pods, async::StopToken stop);
  // What the nodes need, whatever the revision.
  DaemonChange plan(const SetRef& set, const std::vector<NodeRef>& nodes, const PodsByNode& pods,
                    const std::string& hash);
  void sort_out(const SetRef& set, const std::string& node, const std::vector<PodRef>& pods,
                const std::string& hash, DaemonChange& change);
  async::Task<Status> apply(SetRef set, DaemonChange change, std::string hash,
                            async::StopToken stop);
  async::Task<Status> update(SetRef set, std::vector<NodeRef> nodes, PodsByNode pods,
                             std::string hash, async::StopToken stop);
  async::Task<Status> write_status(SetRef set, appsv1::DaemonSetStatus status,
                                   async::StopToken stop);
  // How long a node's failed pod must still wait for its deletion; each failure waits longer.
  Duration failed_pod_wait(const std::string& key);

  PodControl pod_control_;
  Expectations expectations_;
  struct BackOff {
    Duration delay{};
    TimePoint last;
  };
  std::map<std::string, BackOff> failed_pods_;  // by set, generation and node
  Lister<appsv1::DaemonSet> sets_;
  Lister<appsv1::ControllerRevision> revisions_;
  Lister<corev1::Pod> pods_;
  Lister<corev1::Node> nodes_;
};

}  // namespace kpp::controllers
