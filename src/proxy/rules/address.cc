#include "proxy/rules/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

#include "base/cat.h"

namespace kpp::proxy {

std::optional<Address> Address::parse(std::string_view text) {
  const std::string copy(text);
  Address out;
  if (inet_pton(AF_INET, copy.c_str(), out.bytes.data()) == 1) return out;
  out.family = IpFamily::kIPv6;
  if (inet_pton(AF_INET6, copy.c_str(), out.bytes.data()) == 1) return out;
  return std::nullopt;
}

bool Address::is_loopback() const {
  if (family == IpFamily::kIPv4) return bytes[0] == 127;
  for (std::size_t i = 0; i < 15; ++i) {
    if (bytes[i] != 0) return false;
  }
  return bytes[15] == 1;
}

std::string Address::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(family == IpFamily::kIPv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto digits = text.substr(slash + 1);
  Cidr out;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.bits);
  const int width = address->family == IpFamily::kIPv4 ? 32 : 128;
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (out.bits < 0 || out.bits > width) return std::nullopt;
  out.network = *address;
  for (int bit = out.bits; bit < width; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    out.network.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~mask);
  }
  return out;
}

bool Cidr::contains(const Address& address) const {
  if (address.family != network.family) return false;
  for (int bit = 0; bit < bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    const auto at = static_cast<std::size_t>(bit / 8);
    if (((address.bytes[at] ^ network.bytes[at]) & mask) != 0) return false;
  }
  return true;
}

std::string Cidr::to_string() const { return cat(network.to_string(), "/", bits); }

std::optional<IpFamily> family_of(std::string_view address) {
  const auto parsed = Address::parse(address);
  if (!parsed) return std::nullopt;
  return parsed->family;
}

std::vector<std::string> cidrs_of(const std::vector<std::string>& list, IpFamily family) {
  std::vector<std::string> out;
  for (const auto& text : list) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string::npos) continue;
    const auto last = text.find_last_not_of(" \t");
    const auto parsed = Cidr::parse(std::string_view(text).substr(first, last - first + 1));
    if (parsed && parsed->network.family == family) out.push_back(parsed->to_string());
  }
  return out;
}

std::vector<std::string> addresses_of(const std::vector<std::string>& list, IpFamily family) {
  std::vector<std::string> out;
  for (const auto& text : list) {
    const auto parsed = Address::parse(text);
    if (parsed && parsed->family == family) out.push_back(parsed->to_string());
  }
  return out;
}

std::string host_port(std::string_view ip, int port) {
  return ip.find(':') == std::string_view::npos ? cat(ip, ":", port) : cat("[", ip, "]:", port);
}

}  // namespace kpp::proxy
