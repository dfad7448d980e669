// IP addresses and prefixes as the API takes them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "validation/field_errors.h"

namespace kpp::validation {

struct Ip {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // the first 4 for IPv4

  bool unspecified() const;
  bool loopback() const;
  bool link_local_unicast() const;
  bool link_local_multicast() const;
  bool multicast() const;
  std::string to_string() const;
  friend bool operator==(const Ip&, const Ip&) = default;
};

struct Prefix {
  Ip ip;
  int bits = 0;

  bool contains(const Ip& other) const;
  bool bits_beyond() const;  // set in the address after the prefix
};

// Leading zeros in IPv4 octets are accepted, as the original always has.
std::optional<Ip> parse_ip(std::string_view text);
std::optional<Prefix> parse_prefix(std::string_view text);

// Strict forms for new values: no leading zeros, no IPv4-mapped IPv6 addresses, no bits beyond the
// prefix.
void check_ip(FieldErrors& errors, const FieldPath& at, std::string_view text);
void check_prefix(FieldErrors& errors, const FieldPath& at, std::string_view text);
// As endpoints, external addresses and the like may not be: unspecified, loopback, link-local.
void check_non_special_ip(FieldErrors& errors, const FieldPath& at, std::string_view text);

}  // namespace kpp::validation
