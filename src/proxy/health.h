// What load balancers and probes ask: does this node's proxy work, and may traffic come here.
#pragma once

#include <optional>

#include "async/executor.h"
#include "net/http.h"

namespace kpp::proxy {

// Answers /healthz (not for a node that is about to go) and /livez. Runs on: its executor only.
class Health final : public net::Handler {
 public:
  Health(async::Executor& executor, Duration sync_period)
      : executor_(executor), sync_period_(sync_period) {}

  // A change waits to be written; and: everything known is written.
  void queued(int family);
  void synced(int family);
  void set_node_eligible(bool eligible) { node_eligible_ = eligible; }
  bool healthy() const;
  bool node_eligible() const { return node_eligible_; }

  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override;

 private:
  struct Side {
    std::optional<TimePoint> queued_since;
    std::optional<WallTime> updated;
  };
  bool healthy(const Side& side) const;
  std::string body(bool with_node) const;

  async::Executor& executor_;
  const Duration sync_period_;
  Side sides_[2];
  bool node_eligible_ = true;
};

}  // namespace kpp::proxy
