#include "api/corev1.h"
#include "api/proto_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto pod = kpp::api::parse_proto<kpp::corev1::Pod>(input);
  if (pod) {
    const auto text = kpp::api::to_proto(*pod);
    if (kpp::api::to_proto(*kpp::api::parse_proto<kpp::corev1::Pod>(text)) != text)
      __builtin_trap();
  }
  return 0;
}
