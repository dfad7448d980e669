#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/corev1.h"
#include "client/status_decoder.h"
#include "client/watch_decoder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  kpp::client::WatchDecoder decoder(kpp::corev1::ConfigMap::desc());
  decoder.feed(text.substr(0, size / 2));
  decoder.feed(text.substr(size / 2));
  while (decoder.has_line()) (void)decoder.take();
  (void)kpp::client::decode_status(500, text);
  return 0;
}
