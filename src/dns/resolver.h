// One server block at work: finds the answers to the questions of its zones.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "async/task.h"
#include "base/log.h"
#include "dns/cluster_zone.h"
#include "dns/corefile.h"
#include "dns/forwarder.h"
#include "dns/response_cache.h"

namespace kpp::dns {

// Guarantees: a name of the cluster is answered without waiting, but for ExternalName services and
// names that fall through. Runs on: its executor only.
class Resolver {
 public:
  // Errors: an upstream that is no address, a resolv.conf that cannot be read.
  static Result<std::unique_ptr<Resolver>> make(async::IoExecutor& executor,
                                                const ServerBlock& block, Logger log);

  // How many labels of the (folded) name the best zone of this block covers; nullopt: none does.
  std::optional<std::size_t> match(std::string_view folded) const;
  ClusterZone* zone() { return zone_ ? &*zone_ : nullptr; }
  void set_synced() { synced_ = true; }

  // The encoded answer; nullopt: resolve() knows. `limit` is the largest message that the asker
  // takes.
  std::optional<std::string> resolve_now(const Query& query, std::size_t limit);
  async::Task<std::string> resolve(Query query, std::string message, std::size_t limit, bool tcp,
                                   async::StopToken stop);

  struct Counts {
    std::uint64_t hits = 0, misses = 0;
  };
  const Counts& counts() const { return counts_; }
  const Forwarder* forwarder() const { return forwarder_.get(); }

 private:
  Resolver(async::IoExecutor& executor, const ServerBlock& block, Logger log);
  void balance(Answer& answer);
  async::Task<std::string> forward(Query query, std::string message, std::size_t limit, bool tcp,
                                   async::StopToken stop);
  // Adds what an ExternalName's target resolves to.
  async::Task<void> follow_alias(Query query, std::string target, Answer* answer,
                                 async::StopToken stop);

  async::IoExecutor& executor_;
  const ServerBlock block_;
  const Logger log_;
  std::optional<ClusterZone> zone_;
  bool synced_ = false;
  std::unique_ptr<Forwarder> forwarder_;
  std::optional<ResponseCache> cache_;
  Counts counts_;
  std::size_t turn_ = 0;
};

}  // namespace kpp::dns
