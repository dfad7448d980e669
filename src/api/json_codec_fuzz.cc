#include "api/corev1.h"
#include "api/json_body.h"
#include "api/json_codec.h"

namespace {

// A body is read in one pass only where the document has nothing to report, and means the same.
void check_body(std::string_view input) {
  kpp::corev1::Pod body;
  const auto read = kpp::api::read_json_body(input, kpp::corev1::Pod::desc(), &body);
  if (!read) return;
  const auto document = kpp::json::parse(input);
  if (!document) __builtin_trap();
  std::vector<std::string> unknown;
  kpp::api::DecodeOptions options;
  options.unknown_fields = &unknown;
  kpp::corev1::Pod other;
  if (!kpp::api::from_json(*document, kpp::corev1::Pod::desc(), &other, options).ok() ||
      !unknown.empty() || kpp::json::text_at(*document, "kind") != read->kind) {
    __builtin_trap();
  }
  // Raw values are compared by value: a body keeps their spaces.
  body.metadata.managed_fields.clear();
  other.metadata.managed_fields.clear();
  if (kpp::api::to_json(body) != kpp::api::to_json(other)) __builtin_trap();
}

}  // namespace

// What is read can be written and reads back as it was; text and document are read alike.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_body(input);
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
