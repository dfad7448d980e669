// Network links, addresses and routes, by ip(8) of iproute2.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "linux/process.h"

namespace kpp::sys {

// An IPv4 network: 10.199.0.0/30.
struct Ipv4Network {
  std::uint32_t address = 0;  // host byte order, host bits zero
  int prefix = 0;

  // The n-th address in it, dotted.
  std::string host(std::uint32_t n) const;
  bool overlaps(const Ipv4Network& other) const;
  bool contains(std::uint32_t other) const;
  std::string to_string() const;
  friend auto operator<=>(const Ipv4Network&, const Ipv4Network&) = default;
};

// "10.199.0.1" and its number in host byte order.
std::string ipv4_text(std::uint32_t address);
std::optional<std::uint32_t> parse_ipv4(std::string_view text);

// "10.199.0.0/30", "10.0.0.1" (then /32), "default" (0.0.0.0/0); host bits are cleared. kInvalid
// otherwise.
Result<Ipv4Network> parse_ipv4_network(std::string_view text);

// Runs lines of ip(8) ("link add br0 type bridge") as one batch, in a place. The first line that
// fails ends it. Errors: kIo with what ip wrote.
Status run_ip(const std::vector<std::string>& lines, const ProcessPlace& place = {});

// Networks that the IPv4 routes and addresses of the caller's network namespace reach, the default
// route left out.
Result<std::vector<Ipv4Network>> routed_networks();
// The same, from the text of `ip -4 route show table all`.
std::vector<Ipv4Network> parse_routes(std::string_view text);

bool link_exists(std::string_view name);
// Ok if it is not there.
Status delete_link(const std::string& name);

}  // namespace kpp::sys
