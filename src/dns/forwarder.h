// Asks other name servers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/log.h"
#include "dns/corefile.h"
#include "dns/message.h"

namespace kpp::dns {

struct Upstream {
  std::string address;
  std::uint16_t port = 53;
  static Result<Upstream> parse(
      std::string_view text);  // "10.0.0.1", "10.0.0.1:5353", "[fd00::1]:53"
  std::string to_string() const;
};

// Guarantees: every try has a socket, a source port and an id of its own; an answer counts only if
// id and question match. The
//   same question asked by many at once goes out once. Gives up after five seconds.
// Runs on: its executor only.
// Errors: kServiceUnavailable when no upstream answered, kTooManyRequests above max_concurrent.
class Forwarder {
 public:
  Forwarder(async::IoExecutor& executor, std::vector<Upstream> upstreams, ForwardOptions options);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  // `message` is the whole question as `query` was read from it; the answer has the query's id.
  async::Task<Result<std::string>> ask(std::string message, Query query, bool tcp,
                                       async::StopToken stop);

  struct Counts {
    std::uint64_t requests = 0, failures = 0;
  };
  const std::map<std::string, Counts>& counts() const { return counts_; }  // by upstream

 private:
  struct Flight;
  async::Task<Result<std::string>> try_all(std::string message, Query query, bool tcp,
                                           async::StopToken stop);
  async::Task<Result<std::string>> try_udp(Upstream upstream, std::string message, Query query,
                                           TimePoint deadline, async::StopToken stop);
  async::Task<Result<std::string>> try_tcp(Upstream upstream, std::string message, Query query,
                                           TimePoint deadline, async::StopToken stop);
  std::size_t first_upstream();

  async::IoExecutor& executor_;
  const std::vector<Upstream> upstreams_;
  const ForwardOptions options_;
  std::map<std::string, std::shared_ptr<Flight>>
      flights_;  // shared with those who wait for the same answer
  std::map<std::string, Counts> counts_;
  std::size_t next_ = 0;
  int running_ = 0;
};

}  // namespace kpp::dns
