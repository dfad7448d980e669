#include "api/selectors.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto labels = kpp::api::LabelSelector::parse(input)) labels->matches({{"a", "b"}});
  (void)kpp::api::FieldSelector::parse(input).has_value();
  return 0;
}
