#include "validation/addresses.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "validation/formats.h"

namespace kpp::validation {
namespace {

std::optional<Ip> parse_v4(std::string_view text, bool& leading_zero) {
  Ip out;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos || dot == 0) return std::nullopt;
    const std::string_view part = text.substr(0, dot);
    unsigned value = 0;
    for (const char c : part) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
      if (value > 255) return std::nullopt;
    }
    if (part.size() > 1 && part.front() == '0') leading_zero = true;
    out.bytes[i] = static_cast<std::uint8_t>(value);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return out;
}

std::optional<Ip> parse_any(std::string_view text, bool& leading_zero, bool& mapped) {
  if (text.find(':') == std::string_view::npos) return parse_v4(text, leading_zero);
  Ip out;
  out.v6 = true;
  if (::inet_pton(AF_INET6, std::string(text).c_str(), out.bytes.data()) != 1) return std::nullopt;
  const bool is_mapped =
      std::all_of(out.bytes.begin(), out.bytes.begin() + 10, [](auto b) { return b == 0; }) &&
      out.bytes[10] == 0xff && out.bytes[11] == 0xff;
  if (is_mapped) {
    mapped = true;
    Ip v4;
    std::copy(out.bytes.begin() + 12, out.bytes.end(), v4.bytes.begin());
    return v4;
  }
  return out;
}

std::optional<Prefix> parse_prefix_any(std::string_view text, bool& leading_zero, bool& mapped) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::optional<Ip> ip = parse_any(text.substr(0, slash), leading_zero, mapped);
  const std::string_view bits_text = text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] =
      std::from_chars(bits_text.data(), bits_text.data() + bits_text.size(), bits);
  if (!ip || error != std::errc() || end != bits_text.data() + bits_text.size())
    return std::nullopt;
  if (bits < 0 || bits > (ip->v6 ? 128 : 32) || bits_text.front() == '-') return std::nullopt;
  return Prefix{*ip, bits};
}

}  // namespace

bool Ip::unspecified() const {
  return std::all_of(bytes.begin(), bytes.end(), [](auto b) { return b == 0; });
}
bool Ip::loopback() const {
  if (!v6) return bytes[0] == 127;
  return std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; }) &&
         bytes[15] == 1;
}
bool Ip::link_local_unicast() const {
  return v6 ? bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80 : bytes[0] == 169 && bytes[1] == 254;
}
bool Ip::link_local_multicast() const {
  return v6 ? bytes[0] == 0xff && (bytes[1] & 0x0f) == 0x02
            : bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0;
}
bool Ip::multicast() const { return v6 ? bytes[0] == 0xff : (bytes[0] & 0xf0) == 0xe0; }

std::string Ip::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return text;
}

bool Prefix::contains(const Ip& other) const {
  if (other.v6 != ip.v6) return false;
  for (int i = 0; i < bits; ++i) {
    const std::size_t byte = static_cast<std::size_t>(i / 8);
    const int mask = 0x80 >> (i % 8);
    if ((ip.bytes[byte] & mask) != (other.bytes[byte] & mask)) return false;
  }
  return true;
}

bool Prefix::bits_beyond() const {
  for (int i = bits; i < (ip.v6 ? 128 : 32); ++i) {
    if (ip.bytes[static_cast<std::size_t>(i / 8)] & (0x80 >> (i % 8))) return true;
  }
  return false;
}

std::optional<Ip> parse_ip(std::string_view text) {
  bool leading_zero = false;
  bool mapped = false;
  return parse_any(text, leading_zero, mapped);
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  bool leading_zero = false;
  bool mapped = false;
  return parse_prefix_any(text, leading_zero, mapped);
}

void check_ip(FieldErrors& errors, const FieldPath& at, std::string_view text) {
  bool leading_zero = false;
  bool mapped = false;
  if (!parse_any(text, leading_zero, mapped)) {
    errors.invalid(at, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    return;
  }
  if (leading_zero) errors.invalid(at, text, "must not have leading 0s");
  if (mapped) errors.invalid(at, text, "must not be an IPv4-mapped IPv6 address");
}

void check_prefix(FieldErrors& errors, const FieldPath& at, std::string_view text) {
  bool leading_zero = false;
  bool mapped = false;
  const std::optional<Prefix> prefix = parse_prefix_any(text, leading_zero, mapped);
  if (!prefix) {
    errors.invalid(at, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    return;
  }
  if (leading_zero) errors.invalid(at, text, "must not have leading 0s in IP");
  if (mapped) errors.invalid(at, text, "must not have an IPv4-mapped IPv6 address");
  if (prefix->bits_beyond())
    errors.invalid(at, text, "must not have bits set beyond the prefix length");
}

void check_non_special_ip(FieldErrors& errors, const FieldPath& at, std::string_view text) {
  const std::optional<Ip> ip = parse_ip(text);
  if (!ip) {
    errors.invalid(at, text, "must be a valid IP address");
    return;
  }
  if (ip->unspecified()) errors.invalid(at, text, cat("may not be unspecified (", text, ")"));
  if (ip->loopback())
    errors.invalid(at, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
  if (ip->link_local_unicast()) {
    errors.invalid(at, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  }
  if (ip->link_local_multicast()) {
    errors.invalid(at, text,
                   "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

}  // namespace kpp::validation
