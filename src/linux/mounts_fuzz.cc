// mountinfo and cgroup membership text, as the kernel would write it.
#include <cstddef>
#include <cstdint>

#include "linux/cgroups.h"
#include "linux/links.h"
#include "linux/mounts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)kpp::sys::parse_mountinfo(text);
  (void)kpp::sys::parse_memberships(text);
  (void)kpp::sys::parse_routes(text);
  return 0;
}
