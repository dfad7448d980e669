#include "proxy/conntrack_sysctls.h"

#include <gtest/gtest.h>

#include <map>

#include "async/executor.h"
#include "async/scope.h"

namespace kpp::proxy {
namespace {

// A kernel with settings.
class Kernel final : public sys::Commands {
 public:
  async::Task<Result<std::string>> run(std::vector<std::string> argv, std::string) override {
    const std::string& last = argv.back();
    if (argv[1] == "-n") {
      const auto it = values.find(last);
      if (it == values.end()) co_return fail(Reason::kIo, "no such file");
      co_return cat(it->second, "\n");
    }
    const std::size_t equals = last.find('=');
    values[last.substr(0, equals)] = std::stol(last.substr(equals + 1));
    written.push_back(last);
    co_return std::string();
  }
  std::map<std::string, long> values;
  std::vector<std::string> written;
};

TEST(ConntrackSysctls, OnlyWhatDiffersIsWritten) {
  async::ManualExecutor executor;
  LogSink sink(2);
  Kernel kernel;
  kernel.values = {{"net/netfilter/nf_conntrack_max", 1 << 30},
                   {"net/netfilter/nf_conntrack_tcp_timeout_established", 432000},
                   {"net/netfilter/nf_conntrack_tcp_timeout_close_wait", 3600},
                   {"net/netfilter/nf_conntrack_udp_timeout", 30}};
  async::Scope scope(executor);
  scope.spawn(set_conntrack_sysctls(kernel, {}, Logger(sink, "test")));
  executor.run_until_idle();
  EXPECT_EQ(kernel.written,
            (std::vector<std::string>{"net/netfilter/nf_conntrack_tcp_timeout_established=86400"}));
}

TEST(ConntrackSysctls, ZeroLeavesTheKernelsOwnValue) {
  ConntrackOptions options;
  options.tcp_established_timeout = Duration::zero();
  options.tcp_close_wait_timeout = Duration::zero();
  EXPECT_TRUE(conntrack_timeouts(options).empty());
  options.tcp_be_liberal = true;
  options.udp_stream_timeout = std::chrono::seconds(100);
  EXPECT_EQ(conntrack_timeouts(options),
            (std::vector<std::pair<std::string, long>>{{"nf_conntrack_tcp_be_liberal", 1},
                                                       {"nf_conntrack_udp_timeout_stream", 100}}));
  options.max_per_core = 0;
  EXPECT_EQ(conntrack_max(options, 64), 0);
}

TEST(ConntrackSysctls, TheNumberOfConnectionsGrowsWithCoresFromALeastOn) {
  EXPECT_EQ(conntrack_max({}, 1), 131072);
  EXPECT_EQ(conntrack_max({}, 8), 262144);
}

}  // namespace
}  // namespace kpp::proxy
