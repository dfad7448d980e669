// Which tracked UDP flows lead where no endpoint is any more. UDP has no end of a connection that
// would clear them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/rules/types.h"

namespace kpp::proxy {

// A flow as it was sent, and who answers it.
struct Flow {
  std::string protocol;  // udp
  std::string source, destination;
  int source_port = 0;
  int destination_port = 0;
  std::string answering;
  int answering_port = 0;
  friend bool operator==(const Flow&, const Flow&) = default;
};

// The output of `conntrack -L`; lines of other forms are skipped.
std::vector<Flow> parse_flows(std::string_view text);

// The UDP flows to a service port that has endpoints, answered by none of them.
std::vector<Flow> stale_flows(const std::vector<Flow>& flows, const FamilyModel& model,
                              const RuleOptions& options);

}  // namespace kpp::proxy
