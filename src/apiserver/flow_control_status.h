// Says in the status of each FlowSchema whether the priority level that it names exists.
#pragma once

#include "api/flowcontrolv1.h"
#include "apiserver/call.h"
#include "async/scope.h"
#include "async/wait.h"

namespace kpp::apiserver {

// The Dangling condition of a schema, given whether its priority level is there.
flowcontrolv1::FlowSchemaCondition dangling_condition(const flowcontrolv1::FlowSchema& schema,
                                                      bool exists, WallTime now);

// Guarantees: soon after a change of a schema or of a priority level each condition tells the
// truth; one that does is not
//   written again.
// Ownership: core outlives it.
// Runs on: the server's executor only.
// Stop: stop(), before the cache stops.
class FlowControlStatus {
 public:
  explicit FlowControlStatus(Core& core);
  void start();
  async::Task<void> stop();

 private:
  async::Task<void> follow(async::StopToken stop);
  // False if a write failed that is worth another try.
  async::Task<bool> update_all(async::StopToken stop);

  Core& core_;
  const ServedResource& schemas_;
  const ServedResource& levels_;
  std::shared_ptr<async::Event>
      changed_;  // shared with the cache's listeners, which outlive this object
  async::Scope scope_;
};

}  // namespace kpp::apiserver
