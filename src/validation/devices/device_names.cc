#include "validation/devices/device_names.h"

#include "codec/json.h"
#include "validation/expressions/devices.h"
#include "validation/formats.h"
#include "validation/metadata.h"

namespace kpp::validation {
namespace {

constexpr std::size_t kLongestDriver = 63;
constexpr std::size_t kLongestPool = 253;
constexpr std::size_t kLongestIdentifier = 32;
constexpr std::size_t kLongestExpression = 10 * 1024;
constexpr std::size_t kLongestParameters = 10 * 1024;
constexpr std::size_t kMostSelectors = 32;

}  // namespace

void check_driver_name(FieldErrors& errors, const FieldPath& at, std::string_view name) {
  if (name.empty()) return errors.required(at);
  if (name.size() > kLongestDriver) errors.too_long(at, kLongestDriver);
  errors.invalid_each(at, name, dns1123_subdomain(lower(name)));
}

void check_pool_name(FieldErrors& errors, const FieldPath& at, std::string_view name) {
  if (name.empty()) return errors.required(at);
  if (name.size() > kLongestPool) errors.too_long(at, kLongestPool);
  for (std::string_view rest = name;;) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    errors.invalid_each(at, part, dns1123_subdomain(part));
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
}

void check_device_attribute_name(FieldErrors& errors, const FieldPath& at, std::string_view name,
                                 bool full) {
  if (name.empty()) return errors.required(at);
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) {
    if (full) errors.invalid(at, name, "must include a domain");
  } else if (slash == 0) {
    errors.required(at, "the domain must not be empty");
  } else {
    check_driver_name(errors, at, name.substr(0, slash));
  }
  const std::string_view identifier =
      slash == std::string_view::npos ? name : name.substr(slash + 1);
  if (identifier.empty()) return errors.required(at, "the name must not be empty");
  if (identifier.size() > kLongestIdentifier) errors.too_long(at, kLongestIdentifier);
  errors.invalid_each(at, identifier, c_identifier(identifier));
}

void check_device_selectors(FieldErrors& errors, const FieldPath& at,
                            std::span<const resourcev1::DeviceSelector> selectors) {
  if (selectors.size() > kMostSelectors) errors.too_many(at, selectors.size(), kMostSelectors);
  for (std::size_t i = 0; i < selectors.size(); ++i) {
    const FieldPath cel = at.index(i).child("cel");
    if (!selectors[i].cel) {
      errors.required(cel);
      continue;
    }
    const FieldPath expression = cel.child("expression");
    const std::string& text = selectors[i].cel->expression;
    if (text.size() > kLongestExpression) {
      errors.too_long(expression, kLongestExpression);
    } else if (const std::string why = device_expression_error(text); !why.empty()) {
      errors.invalid(expression, text, why);
    }
  }
}

void check_device_configuration(FieldErrors& errors, const FieldPath& at,
                                const resourcev1::DeviceConfiguration& configuration) {
  const FieldPath opaque = at.child("opaque");
  if (!configuration.opaque) return errors.required(opaque);
  check_driver_name(errors, opaque.child("driver"), configuration.opaque->driver);
  const FieldPath parameters = opaque.child("parameters");
  const std::string& text = configuration.opaque->parameters.json;
  if (text.empty() || text == "null") return errors.required(parameters);
  if (text.size() > kLongestParameters) return errors.too_long(parameters, kLongestParameters);
  const auto document = json::parse(text);
  if (!document) {
    errors.invalid(parameters, "<value omitted>",
                   cat("error parsing data as JSON: ", document.error().message()));
  } else if (!document->is_object()) {
    errors.invalid(parameters, "<value omitted>", "must be a valid JSON object");
  }
}

}  // namespace kpp::validation
