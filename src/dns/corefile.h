// The configuration of the DNS server: a Corefile with the plugins that k++ has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "dns/cluster_zone.h"

namespace kpp::dns {

struct ForwardOptions {
  std::vector<std::string>
      to;                  // addresses (with :port if it is not 53), or the path of a resolv.conf
  int max_concurrent = 0;  // 0: no limit
  enum class Policy { kRandom, kRoundRobin, kSequential } policy = Policy::kRandom;
};

struct CacheOptions {
  std::uint32_t success_ttl = 3600, denial_ttl = 1800;  // seconds; the most that an answer is kept
  std::size_t success_capacity = 9984, denial_capacity = 9984;
};

// One block: what is done with the names of its zones.
struct ServerBlock {
  std::vector<std::string> zones;  // in small letters, without the final dot; "" is every name
  std::uint16_t port = 53;
  std::optional<ZoneOptions> kubernetes;
  std::optional<ForwardOptions> forward;
  std::optional<CacheOptions> cache;
  std::optional<std::string> health, ready, prometheus;  // addresses to serve on, e.g. ":8080"
  bool errors = false, loadbalance = false;
  // What stands in the file and changes nothing here (loop, reload, lameduck): the server says so.
  std::vector<std::string> without_effect;
};

// Guarantees: an error names the line and what is wrong with it; unknown plugins and options are
// errors.
Result<std::vector<ServerBlock>> parse_corefile(std::string_view text);

// The nameserver lines of a resolv.conf.
std::vector<std::string> nameservers(std::string_view resolv_conf);

}  // namespace kpp::dns
