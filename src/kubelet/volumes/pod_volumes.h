// The volumes of one pod on the node.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/corev1.h"
#include "async/executor.h"
#include "kubelet/volumes/claims.h"
#include "kubelet/volumes/payload.h"

namespace kpp::kubelet {

// Guarantees: set_up() can be repeated; it makes what is missing and brings files up to date.
// Volumes of kinds that are
//   not supported are an error that names the kind.
// Runs on: its executor; file work and mounts on the pool.
class PodVolumes {
 public:
  using Report = std::function<void(std::string_view reason, std::string message)>;

  // What volumes are told of the node.
  struct Node {
    std::function<corev1::Node()> object;  // name and labels
    std::int64_t memory_capacity = 0;
  };

  PodVolumes(async::Executor& executor, async::ThreadPool& pool, client::Client& client,
             PayloadSources sources, std::string pod_directory, Node node);

  // Reports a FailedMount for each volume that fails; the error is that of the first.
  async::Task<Status> set_up(std::shared_ptr<const corev1::Pod> pod, PodFacts facts, Report report,
                             async::StopToken stop);
  // Where a volume lies on the node.
  std::string path_of(const corev1::Volume& volume) const;
  // Unmounts all and removes the pod's directory.
  static async::Task<Status> tear_down(async::Executor& executor, async::ThreadPool& pool,
                                       std::string pod_directory);

 private:
  // The error is what the event says.
  async::Task<Status> mount(std::shared_ptr<const corev1::Pod> pod, corev1::Volume volume,
                            PodFacts facts, async::StopToken stop);
  async::Task<Status> set_up_one(std::shared_ptr<const corev1::Pod> pod, corev1::Volume volume,
                                 PodFacts facts, async::StopToken stop);

  async::Task<Status> mount_claim(std::shared_ptr<const corev1::Pod> pod, corev1::Volume volume,
                                  async::StopToken stop);
  async::Task<Status> set_up_nfs(corev1::NFSVolumeSource source, std::vector<std::string> options,
                                 std::string target);

  async::Executor& executor_;
  async::ThreadPool& pool_;
  client::Client& client_;
  PayloadSources sources_;
  const std::string pod_directory_;
  const Node node_;
  std::map<std::string, Payload> written_;    // by volume
  std::map<std::string, BoundVolume> bound_;  // what claims stand for, by volume
};

}  // namespace kpp::kubelet
