// What a proxy counts, under the original's names.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "async/executor.h"
#include "net/http.h"
#include "proxy/rules/address.h"

namespace kpp::proxy {

// Counts, and answers /metrics, /healthz and /proxyMode. Runs on: its owner's executor.
class Metrics final : public net::Handler {
 public:
  // One write of rules. `text` is what iptables-restore was given.
  struct Sync {
    IpFamily family = IpFamily::kIPv4;
    bool full = false;
    bool failed = false;
    Duration took{};
    std::string_view text;
  };
  void synced(const Sync& sync, WallTime now);
  void queued(IpFamily family, WallTime now);
  void service_changed() { ++service_changes_; }
  void endpoints_changed() { ++endpoint_changes_; }
  void pending(std::size_t services) { pending_services_ = services; }

  std::string text() const;
  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override;

 private:
  static constexpr int kBuckets = 15;  // 1 ms, doubled
  struct Histogram {
    std::array<std::uint64_t, kBuckets> buckets{};
    std::uint64_t count = 0;
    double sum = 0;
    void observe(Duration value);
    void write(std::string& out, std::string_view name, std::string_view family) const;
  };
  struct Side {
    Histogram all, full, partial;
    std::uint64_t failures = 0, partial_failures = 0;
    double last_sync = 0, last_queued = 0;
    std::map<std::string, std::uint64_t> rules_written;  // by table, the last time
  };
  static std::string_view name_of(std::size_t family) { return family == 0 ? "IPv4" : "IPv6"; }
  template <class F>
  void gauge(std::string& out, std::string_view name, std::string_view type, F value) const;

  Side sides_[2];
  std::uint64_t service_changes_ = 0, endpoint_changes_ = 0, pending_services_ = 0;
};

// Rules in the text of an iptables-restore, by table.
std::map<std::string, std::uint64_t> count_rules(std::string_view restore_text);

}  // namespace kpp::proxy
