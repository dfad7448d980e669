#include "validation/signer_names.h"

#include <algorithm>

#include "validation/formats.h"

namespace kpp::validation {
namespace {

constexpr std::size_t kMaxSubdomain = 253;

template <class F>
void each_label(std::string_view text, F call) {
  while (true) {
    const auto dot = text.find('.');
    call(text.substr(0, dot));
    if (dot == std::string_view::npos) return;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

void check_signer_name(FieldErrors& errors, const FieldPath& at, std::string_view name) {
  if (name.empty()) return errors.required(at);
  if (std::count(name.begin(), name.end(), '/') != 1) {
    return errors.invalid(
        at, name,
        "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  }
  const std::string_view domain = name.substr(0, name.find('/'));
  const std::string_view path = name.substr(domain.size() + 1);
  if (domain.size() > kMaxSubdomain) errors.too_long(at, kMaxSubdomain);
  std::size_t labels = 0;
  each_label(domain, [&](std::string_view label) {
    ++labels;
    for (const auto& why : dns1123_label(label))
      errors.invalid(at, domain, cat("validating label ", quoted(label), ": ", why));
  });
  if (labels < 2)
    errors.invalid(at, domain, "should be a domain with at least two segments separated by dots");
  each_label(path, [&](std::string_view label) {
    for (const auto& why : dns1123_subdomain(label)) {
      errors.invalid(at, path, cat("validating label ", quoted(label), ": ", why));
    }
  });
  if (name.size() > 2 * kMaxSubdomain + 1) errors.too_long(at, 2 * kMaxSubdomain + 1);
}

}  // namespace kpp::validation
