// Whatever a configuration file holds: read, decode, check.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kubelet/config/options_of.h"
#include "kubelet/config/validation.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kpp::kubelet;
  const auto document =
      parse_configuration(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!document) return 0;
  (void)fields_without_effect(*document);
  auto config = decode_configuration(*document);
  if (!config || !validate_configuration(*config).ok()) return 0;
  config->authentication.x509.client_ca_file.clear();
  KubeletOptions options;
  (void)apply_configuration(*config, options);
  return 0;
}
