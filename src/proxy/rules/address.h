// IP addresses and ranges in text form.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kpp::proxy {

enum class IpFamily : std::uint8_t { kIPv4, kIPv6 };

struct Address {
  IpFamily family = IpFamily::kIPv4;
  std::array<std::uint8_t, 16> bytes{};  // 4 of them used for IPv4

  static std::optional<Address> parse(std::string_view text);
  bool is_loopback() const;
  std::string to_string() const;
};

struct Cidr {
  Address network;  // host bits cleared
  int bits = 0;

  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const Address& address) const;
  std::string to_string() const;
};

std::optional<IpFamily> family_of(std::string_view address);
// The entries of a list of ranges that belong to a family, in canonical form; others are left out.
std::vector<std::string> cidrs_of(const std::vector<std::string>& list, IpFamily family);
std::vector<std::string> addresses_of(const std::vector<std::string>& list, IpFamily family);
// "10.0.0.1:80", "[fd00::1]:80".
std::string host_port(std::string_view ip, int port);

}  // namespace kpp::proxy
