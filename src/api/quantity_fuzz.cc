#include "api/quantity.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto amount = kpp::api::Amount::parse({reinterpret_cast<const char*>(data), size});
  if (amount) {
    const auto again = kpp::api::Amount::parse(amount->to_string());
    if (!again || !(*again == *amount)) __builtin_trap();
  }
  return 0;
}
