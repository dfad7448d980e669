#include "api/corev1.h"
#include "api/json_codec.h"

// What is read can be written and reads back as it was; text and document are read alike.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto pod = kpp::api::parse_json<kpp::corev1::Pod>(input);
  if (pod) {
    const auto text = kpp::api::to_json(*pod);
    if (kpp::api::to_json(*kpp::api::parse_json<kpp::corev1::Pod>(text)) != text) __builtin_trap();
  }
  std::vector<std::string> duplicates;
  const auto document = kpp::json::parse(input, {.duplicates = &duplicates});
  if (!document) {
    if (pod || pod.error().message() != document.error().message()) __builtin_trap();
  } else if (duplicates.empty()) {
    kpp::corev1::Pod other;
    const auto status = kpp::api::from_json(*document, kpp::corev1::Pod::desc(), &other);
    if (status.ok() != pod.has_value()) __builtin_trap();
    if (pod && kpp::api::to_json(other) != kpp::api::to_json(*pod)) __builtin_trap();
    if (!pod && status.message() != pod.error().message()) __builtin_trap();
  }
  return 0;
}
