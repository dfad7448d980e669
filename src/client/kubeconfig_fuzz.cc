#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client/kubeconfig.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Names of files in it must not be followed here.
  if (text.find("certificate") != text.npos || text.find("tokenFile") != text.npos ||
      text.find("client-key") != text.npos || text.find('\\') != text.npos) {
    return 0;
  }
  const auto parsed = kpp::client::parse_kubeconfig(text, "");
  if (parsed) (void)kpp::client::write_kubeconfig(*parsed);
  return 0;
}
