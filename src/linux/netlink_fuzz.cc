#include "linux/netlink_socket.h"

// Attributes of any bytes, nested in themselves.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const kpp::sys::NetlinkAttributes all({reinterpret_cast<const char*>(data), size});
  for (std::uint16_t type = 0; type < 64; ++type) {
    const kpp::sys::NetlinkAttributes inner = all.nested(type);
    (void)inner.text(1);
    (void)inner.ipv4(2);
    (void)inner.number<std::uint16_t>(3);
  }
  return 0;
}
