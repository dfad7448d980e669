#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kubelet/container/dns_config.h"
#include "kubelet/server/log_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  kpp::kubelet::LogOptions options;
  options.timestamps = true;
  options.limit_bytes = 4096;
  options.since = kpp::WallTime(kpp::Duration(0));
  kpp::kubelet::LogFormatter formatter(options);
  (void)formatter.feed(text.substr(0, size / 2));
  (void)formatter.feed(text.substr(size / 2));
  (void)kpp::kubelet::parse_resolv_conf(text);
  return 0;
}
