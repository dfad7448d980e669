#include "controllers/percent.h"

#include <charconv>

namespace kpp::controllers {

std::int32_t scaled(const std::optional<api::IntOrString>& value, std::int32_t of,
                    Rounding rounding) {
  if (!value) return 0;
  if (!value->is_string) return value->int_value;
  std::int64_t percent = 0;
  const auto& text = value->string_value;
  std::from_chars(text.data(), text.data() + text.size(), percent);
  const std::int64_t hundredths = percent * of;
  return static_cast<std::int32_t>(rounding == Rounding::kUp ? (hundredths + 99) / 100
                                                             : hundredths / 100);
}

}  // namespace kpp::controllers
