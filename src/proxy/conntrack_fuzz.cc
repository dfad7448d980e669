// The output of conntrack -L.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/conntrack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto flows = kpp::proxy::parse_flows({reinterpret_cast<const char*>(data), size});
  (void)kpp::proxy::stale_flows(flows, {}, {});
  return 0;
}
