// One reconciliation of one deployment.
#pragma once

#include <memory>

#include "client/client.h"
#include "client/event_recorder.h"
#include "client/work_queue.h"
#include "controllers/deployment/replica_math.h"

namespace kpp::controllers {

// Works on copies of the deployment and its replica sets and brings them forward as the server
// answers.
//
// Ownership: what the Deps refer to must outlive it.
class DeploymentSync {
 public:
  struct Deps {
    async::Executor& executor;
    client::Client& client;
    client::EventRecorder& events;
    client::WorkQueue& queue;
  };
  // `sets`: those that the deployment controls. `pods_of_old_sets_run`: true while pods of any of
  // them that is not the newest by template are not finished (only asked by the strategy Recreate).
  DeploymentSync(Deps deps, appsv1::Deployment deployment, Sets sets,
                 std::function<bool(const appsv1::ReplicaSet* newest)> other_pods_run);

  async::Task<Status> run(async::StopToken stop);

 private:
  using SetList = std::vector<const appsv1::ReplicaSet*>;

  appsv1::ReplicaSet* newest();  // null: none has the template
  SetList all() const;
  SetList old_sets();
  SetList active_old_sets();
  bool is_scaling() const;

  async::Task<Status> check_paused(async::StopToken stop);
  // Makes newest() right: revision annotations, and with `create` the set itself.
  async::Task<Status> sync_revision(bool create, async::StopToken stop);
  async::Task<Status> adjust_newest(async::StopToken stop);
  async::Task<Status> create_newest(async::StopToken stop);
  async::Task<Status> handle_collision(std::string name, async::StopToken stop);

  async::Task<Status> scale(async::StopToken stop);
  async::Task<Status> roll(async::StopToken stop);
  async::Task<Status> recreate(async::StopToken stop);
  async::Task<Result<bool>> grow_newest(async::StopToken stop);
  async::Task<Result<bool>> shrink_old(async::StopToken stop);
  async::Task<Result<bool>> scale_set(std::string name, std::int32_t size, async::StopToken stop);
  async::Task<Status> clean_up(async::StopToken stop);

  async::Task<Status> write_rollout_status(async::StopToken stop);
  async::Task<Status> write_status(appsv1::DeploymentStatus status, async::StopToken stop);
  void event(std::string_view type, std::string_view reason, std::string message);
  WallTime now() const { return deps_.executor.wall(); }

  Deps deps_;
  appsv1::Deployment d_;
  Sets sets_;
  std::function<bool(const appsv1::ReplicaSet*)> other_pods_run_;
};

}  // namespace kpp::controllers
