#include <cstdint>
#include <cstdlib>

#include "codec/json.h"

// What was read can be written, and reads back to the same text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> duplicates;
  const auto parsed =
      kpp::json::parse({reinterpret_cast<const char*>(data), size}, {.duplicates = &duplicates});
  if (!parsed) return 0;
  const std::string text = kpp::json::write(*parsed);
  const auto again = kpp::json::parse(text);
  if (!again || kpp::json::write(*again) != text) std::abort();
  return 0;
}
