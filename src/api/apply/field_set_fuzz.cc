#include "api/apply/field_set.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto set = kpp::api::FieldSet::parse({reinterpret_cast<const char*>(data), size});
  if (set) (void)kpp::api::FieldSet::parse(set->to_json()).has_value();
  return 0;
}
