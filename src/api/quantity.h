// Arithmetic with resource.Quantity.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/types.h"
#include "base/status.h"

namespace kpp::api {

// A quantity as a number. Exact to a billionth; values beyond 2^63 - 1 are cut off there, finer
// fractions are rounded away from zero, as the original does.
class Amount {
 public:
  enum class Format : std::uint8_t { kDecimalSi, kBinarySi, kDecimalExponent };

  Amount() = default;
  static Amount of(std::int64_t units, Format format = Format::kDecimalSi);
  static Amount of_milli(std::int64_t milli, Format format = Format::kDecimalSi);
  // Errors: kBadRequest with the original's text ("quantities must match the regular expression
  // ...").
  static Result<Amount> parse(std::string_view text);
  // Zero if the text is no quantity; for values that were checked before.
  static Amount from(const Quantity& quantity);

  // Rounded up (away from zero); saturates.
  std::int64_t value() const;
  std::int64_t milli_value() const;
  double to_double() const { return static_cast<double>(nano_) / 1e9; }
  bool is_zero() const { return nano_ == 0; }
  int sign() const { return nano_ < 0 ? -1 : nano_ > 0 ? 1 : 0; }
  // Rounded up to whole multiples of 10^scale, scale in -9..0.
  Amount round_up(int scale) const;
  Format format() const { return format_; }

  // The format stays the left side's; zero takes over that of the right side.
  Amount& operator+=(const Amount& other);
  Amount& operator-=(const Amount& other);
  Amount operator-() const;
  friend Amount operator+(Amount a, const Amount& b) { return a += b; }
  friend Amount operator-(Amount a, const Amount& b) { return a -= b; }
  friend bool operator==(const Amount& a, const Amount& b) { return a.nano_ == b.nano_; }
  friend auto operator<=>(const Amount& a, const Amount& b) { return a.nano_ <=> b.nano_; }

  // The canonical text: the greatest suffix that leaves no fraction.
  std::string to_string() const;
  Quantity quantity() const { return Quantity(to_string()); }

 private:
  __extension__ using Wide = __int128;
  Wide nano_ = 0;
  Format format_ = Format::kDecimalSi;
};

// The text that the original's decoder keeps: as given where its fast parser takes it, canonical
// otherwise.
Result<std::string> decode_quantity(std::string_view text);

// -1, 0 or 1 by value.
int compare(const Quantity& a, const Quantity& b);

}  // namespace kpp::api
