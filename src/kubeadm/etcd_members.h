// The members of a cluster's own etcd: who they are, one more, one less.
#pragma once

#include <string>
#include <vector>

#include "api/etcdserverpb.h"
#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/status.h"
#include "client/client.h"
#include "kubeadm/config.h"

namespace kpp::kubeadm {

using EtcdMembers = std::vector<etcdserverpb::Member>;

// "name=https://192.168.1.12:2380,..." for --initial-cluster. A member that has not started has no
// name yet: it is the one called `name`.
std::string initial_cluster(const EtcdMembers& members, std::string_view name);
// The member with this peer URL; nullptr: none.
const etcdserverpb::Member* find_member(const EtcdMembers& members, std::string_view peer_url);

// Where the etcd pods of a cluster answer their clients, from their annotation.
async::Task<Result<std::vector<std::string>>> etcd_endpoints(client::Client& api,
                                                             async::StopToken stop);

// Calls with the health check's client certificate of the certificates' directory.
//
// Ownership: the executor must outlive it.
// Errors: the last endpoint's, if none answers.
class EtcdCluster {
 public:
  EtcdCluster(async::IoExecutor& executor, std::string certificates_dir,
              std::vector<std::string> endpoints, async::StopToken stop)
      : executor_(executor),
        certificates_dir_(std::move(certificates_dir)),
        endpoints_(std::move(endpoints)),
        stop_(std::move(stop)) {}

  async::Task<Result<EtcdMembers>> members();
  // Announces a member that has no vote until promote(); one that is there already is left as it
  // is. Answers all.
  async::Task<Result<EtcdMembers>> add(std::string peer_url);
  // Gives it a vote, as soon as it has what the others have. kTimeout after a minute.
  async::Task<Status> promote(std::string peer_url);
  // Ok if it is none.
  async::Task<Status> remove(std::string peer_url);

 private:
  template <class Answer, class Request>
  async::Task<Result<Answer>> call(std::string method, Request request);
  // A cluster of which a member came or went just now refuses changes for a moment: made again.
  template <class Answer, class Request>
  async::Task<Result<Answer>> change(std::string method, Request request);
  async::Task<Result<std::string>> ask(std::string method, std::string message);

  async::IoExecutor& executor_;
  const std::string certificates_dir_;
  const std::vector<std::string> endpoints_;
  const async::StopToken stop_;
};

}  // namespace kpp::kubeadm
