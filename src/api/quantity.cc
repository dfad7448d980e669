#include "api/quantity.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace kpp::api {
namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t kNano = 1'000'000'000;
constexpr Wide kMax = static_cast<Wide>(std::numeric_limits<std::int64_t>::max()) * kNano;

constexpr std::string_view kBadFormat =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr std::string_view kBadSuffix = "unable to parse quantity's suffix";

struct Parts {
  bool negative = false;
  std::string_view whole, fraction;  // digits
  int exponent = 0;                  // of 2 (BinarySI) or 10
  Amount::Format format = Amount::Format::kDecimalSi;
};

bool digit(char c) { return c >= '0' && c <= '9'; }

bool read_suffix(std::string_view suffix, Parts& parts) {
  struct Known {
    std::string_view text;
    int exponent;
    Amount::Format format;
  };
  using enum Amount::Format;
  static constexpr Known kKnown[] = {
      {"", 0, kDecimalSi},   {"m", -3, kDecimalSi}, {"Mi", 20, kBinarySi}, {"Gi", 30, kBinarySi},
      {"Ki", 10, kBinarySi}, {"Ti", 40, kBinarySi}, {"Pi", 50, kBinarySi}, {"Ei", 60, kBinarySi},
      {"k", 3, kDecimalSi},  {"M", 6, kDecimalSi},  {"G", 9, kDecimalSi},  {"T", 12, kDecimalSi},
      {"P", 15, kDecimalSi}, {"E", 18, kDecimalSi}, {"n", -9, kDecimalSi}, {"u", -6, kDecimalSi},
  };
  for (const auto& known : kKnown) {
    if (known.text == suffix) {
      parts.exponent = known.exponent;
      parts.format = known.format;
      return true;
    }
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return false;
  suffix.remove_prefix(1);
  if (suffix[0] == '+') suffix.remove_prefix(1);
  int exponent = 0;
  const auto [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), exponent);
  if (error != std::errc() || end != suffix.data() + suffix.size()) return false;
  parts.exponent = exponent;
  parts.format = kDecimalExponent;
  return true;
}

Result<Parts> split(std::string_view text) {
  Parts parts;
  const auto wrong = [] { return fail(Reason::kBadRequest, std::string(kBadFormat)); };
  if (text.empty()) return wrong();
  std::size_t at = 0;
  if (text[0] == '-' || text[0] == '+') {
    parts.negative = text[0] == '-';
    ++at;
  }
  const std::size_t whole = at;
  while (at < text.size() && digit(text[at])) ++at;
  parts.whole = text.substr(whole, at - whole);
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = ++at;
    while (at < text.size() && digit(text[at])) ++at;
    parts.fraction = text.substr(fraction, at - fraction);
  }
  if (parts.whole.empty() && parts.fraction.empty()) return wrong();
  while (!parts.whole.empty() && parts.whole.front() == '0') parts.whole.remove_prefix(1);
  const std::size_t suffix = at;
  constexpr std::string_view kLetters = "eEinumkKMGTP";
  while (at < text.size() && kLetters.find(text[at]) != std::string_view::npos) ++at;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  while (at < text.size() && digit(text[at])) ++at;
  if (at != text.size()) return wrong();
  if (!read_suffix(text.substr(suffix), parts))
    return fail(Reason::kBadRequest, std::string(kBadSuffix));
  return parts;
}

// digits * 10^exponent in billionths, cut off at kMax, rounded away from zero.
Wide scale_decimal(std::string_view whole, std::string_view fraction, int exponent, Wide factor) {
  Wide out = 0;
  const auto add = [&](std::string_view digits, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      out = out * 10 + (i < digits.size() ? digits[i] - '0' : 0);
      if (out > kMax) out = kMax + 1;
    }
  };
  add(whole, whole.size());
  // Digits behind the point that count: nine places, moved by the exponent.
  const std::int64_t places = std::int64_t{9} + exponent;
  const std::size_t kept = static_cast<std::size_t>(std::clamp<std::int64_t>(places, 0, 60));
  add(fraction, kept);
  bool rest = false;
  for (std::size_t i = kept; i < fraction.size(); ++i) rest = rest || fraction[i] != '0';
  for (std::int64_t i = places; i < 0 && out != 0; ++i) {
    rest = rest || out % 10 != 0;
    out /= 10;
  }
  if (places > 60 && out != 0) out = kMax + 1;
  if (rest) ++out;
  if (out > kMax / factor) return kMax;
  return out * factor;
}

Wide to_nano(const Parts& parts) {
  Wide out = 0;
  if (parts.format == Amount::Format::kBinarySi) {
    const Wide factor = Wide{1} << parts.exponent;
    // Three more powers of two could lose precision in the ninth place only for fractions with more
    // digits.
    std::string_view fraction = parts.fraction;
    out = scale_decimal(parts.whole, {}, 0, factor);
    Wide numerator = 0;
    Wide denominator = 1;
    for (const char c : fraction.substr(0, std::min<std::size_t>(fraction.size(), 9))) {
      numerator = numerator * 10 + (c - '0');
      denominator *= 10;
    }
    const Wide scaled = numerator * factor;  // < 10^9 * 2^60
    const Wide nano = scaled / denominator * kNano + scaled % denominator * kNano / denominator;
    const bool exact = scaled % denominator * kNano % denominator == 0 && fraction.size() <= 9;
    out = std::min(kMax, out + nano + (exact ? 0 : 1));
  } else {
    out = scale_decimal(parts.whole, parts.fraction, parts.exponent, 1);
  }
  return parts.negative ? -out : out;
}

Wide divide_up(Wide value, Wide by) {
  const Wide quotient = value / by;
  const Wide rest = value % by;
  return quotient + (rest > 0 ? 1 : rest < 0 ? -1 : 0);
}

std::int64_t saturate(Wide value) {
  return static_cast<std::int64_t>(std::clamp<Wide>(value, std::numeric_limits<std::int64_t>::min(),
                                                    std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

Amount Amount::of(std::int64_t units, Format format) {
  Amount out;
  out.nano_ = static_cast<Wide>(units) * kNano;
  out.format_ = format;
  return out;
}

Amount Amount::of_milli(std::int64_t milli, Format format) {
  Amount out;
  out.nano_ = static_cast<Wide>(milli) * (kNano / 1000);
  out.format_ = format;
  return out;
}

Result<Amount> Amount::parse(std::string_view text) {
  KPP_ASSIGN(const Parts parts, split(text));
  Amount out;
  out.nano_ = to_nano(parts);
  out.format_ = parts.format;
  if (out.format_ == Format::kBinarySi && out.nano_ > 0 && out.nano_ < kNano)
    out.format_ = Format::kDecimalSi;
  return out;
}

Amount Amount::from(const Quantity& quantity) {
  auto parsed = parse(quantity.text);
  return parsed ? *parsed : Amount();
}

std::int64_t Amount::value() const { return saturate(divide_up(nano_, kNano)); }
std::int64_t Amount::milli_value() const { return saturate(divide_up(nano_, kNano / 1000)); }

Amount Amount::round_up(int scale) const {
  Wide unit = 1;
  for (int i = -9; i < scale && i < 0; ++i) unit *= 10;
  Amount out = *this;
  out.nano_ = divide_up(nano_, unit) * unit;
  return out;
}

Amount& Amount::operator+=(const Amount& other) {
  if (nano_ == 0) format_ = other.format_;
  nano_ += other.nano_;
  return *this;
}

Amount& Amount::operator-=(const Amount& other) {
  if (nano_ == 0) format_ = other.format_;
  nano_ -= other.nano_;
  return *this;
}

Amount Amount::operator-() const {
  Amount out = *this;
  out.nano_ = -nano_;
  return out;
}

std::string Amount::to_string() const {
  if (nano_ == 0) return "0";
  Format format = format_;
  if (format == Format::kBinarySi) {
    const bool small =
        nano_ > -1024 * static_cast<Wide>(kNano) && nano_ < 1024 * static_cast<Wide>(kNano);
    if (small || nano_ % kNano != 0) format = Format::kDecimalSi;
  }
  Wide magnitude = nano_ < 0 ? -nano_ : nano_;
  std::string suffix;
  if (format == Format::kBinarySi) {
    magnitude /= kNano;
    int power = 0;
    while (magnitude % 1024 == 0 && power < 6) {
      magnitude /= 1024;
      ++power;
    }
    static constexpr std::string_view kSuffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    suffix = kSuffixes[power];
  } else {
    int exponent = -9;
    while (magnitude % 1000 == 0 && exponent < 18) {
      magnitude /= 1000;
      exponent += 3;
    }
    static constexpr std::string_view kSuffixes[] = {"n", "u", "m", "",  "k",
                                                     "M", "G", "T", "P", "E"};
    if (format == Format::kDecimalSi) {
      suffix = kSuffixes[exponent / 3 + 3];
    } else if (exponent != 0) {
      suffix = cat("e", exponent);
    }
  }
  std::string digits;
  while (magnitude > 0) {
    digits.push_back(static_cast<char>('0' + static_cast<int>(magnitude % 10)));
    magnitude /= 10;
  }
  if (nano_ < 0) digits.push_back('-');
  std::reverse(digits.begin(), digits.end());
  return digits + suffix;
}

Result<std::string> decode_quantity(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\n'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n'))
    text.remove_suffix(1);
  KPP_ASSIGN(const Amount amount, Amount::parse(text));
  return amount.to_string();
}

int compare(const Quantity& a, const Quantity& b) {
  if (a.text == b.text) return 0;
  const Amount x = Amount::from(a);
  const Amount y = Amount::from(b);
  return x < y ? -1 : y < x ? 1 : 0;
}

}  // namespace kpp::api
