// A watch on an etcd cluster that outlives its connections.
#pragma once

#include <memory>
#include <string>

#include "api/etcdserverpb.h"
#include "async/executor.h"
#include "store/etcd/client.h"
#include "store/etcd/key_space.h"
#include "store/store.h"

namespace kpp::store {

// Watches every key of the cluster and gives the events of those that begin with a prefix: so each
// revision is seen, also of keys that are not ours, and a reader that waits for one sees it come.
//
// Guarantees: a connection that is lost is made anew, to another member if there is one, and goes
// on
//   where it was. next() never ends for that.
// Runs on: its executor only.
class EtcdWatch final : public Watch {
 public:
  // Events after `from`. The client is shared with the store and its other watches.
  EtcdWatch(async::IoExecutor& executor, std::shared_ptr<EtcdClient> client, KeySpace keys,
            std::string prefix, Revision from);
  ~EtcdWatch() override = default;

  async::Task<Result<WatchBatch>> next(async::StopToken stop) override;

 private:
  enum class Step { kGiven, kWait, kAgain };
  async::Task<bool> open(async::StopToken stop);
  // What an answer adds to the batch.
  Result<Step> take(etcdserverpb::WatchResponse&& answer);
  void add(etcdserverpb::Event&& event);
  void lose();

  async::IoExecutor& executor_;
  const std::shared_ptr<EtcdClient> client_;
  const KeySpace keys_;
  const std::string prefix_;  // of the interface
  Revision position_;         // all events up to here are given
  WatchBatch batch_;          // grows while an answer comes in pieces
  std::unique_ptr<net::GrpcStream> stream_;
  Duration pause_{0};  // before the next connection
};

}  // namespace kpp::store
