// For tests: reads rules as the kernel would, for one packet. Knows what add_policy_rules() writes.
#pragma once

#include <string>

#include "network/ruleset.h"

namespace kpp::network::testing {

struct Packet {
  std::string from, to;
  int protocol = 6;
  int port = 80;
};

// Whether the hook "forward" lets the packet pass, as the first of its connection. A match that is
// not understood ends the test.
bool passes(const Ruleset& rules, const Packet& packet);

}  // namespace kpp::network::testing
