// The output of iptables-save, from whatever program answers to that name.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/rules/iptables.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto rules = kpp::proxy::KernelRules::parse({reinterpret_cast<const char*>(data), size});
  if (rules) {
    kpp::proxy::RestoreText text;
    kpp::proxy::write_missing_frame(*rules, true, text);
    (void)text.to_string();
  }
  return 0;
}
