#include <cstddef>
#include <cstdint>

#include "dns/corefile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)kpp::dns::parse_corefile(text);
  (void)kpp::dns::nameservers(text);
  return 0;
}
