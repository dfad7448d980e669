// A policy file of any content is a policy or an error.
#include <cstddef>
#include <cstdint>

#include "apiserver/audit/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = kpp::apiserver::AuditPolicy::parse(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (policy) (void)policy->decide({}, {});
  return 0;
}
