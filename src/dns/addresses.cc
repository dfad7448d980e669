#include <arpa/inet.h>

#include <array>
#include <charconv>

#include "dns/cluster_zone.h"

namespace kpp::dns {
namespace {

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t dot = std::min(text.find('.', at), text.size());
    out.push_back(text.substr(at, dot - at));
    at = dot + 1;
  }
  return out;
}

std::string reverse_v4(std::string_view labels) {
  const auto parts = split(labels);
  if (parts.size() != 4) return {};
  std::string out;
  for (std::size_t i = parts.size(); i-- > 0;) {
    unsigned value = 0;
    const auto [end, error] =
        std::from_chars(parts[i].data(), parts[i].data() + parts[i].size(), value);
    const bool canonical = !parts[i].empty() && (parts[i].size() == 1 || parts[i][0] != '0');
    if (error != std::errc() || end != parts[i].data() + parts[i].size() || value > 255 ||
        !canonical)
      return {};
    out += static_cast<char>(value);
  }
  return out;
}

std::string reverse_v6(std::string_view labels) {
  const auto parts = split(labels);
  if (parts.size() != 32) return {};
  std::string out;
  for (std::size_t i = parts.size(); i-- > 0;) {
    if (parts[i].size() != 1) return {};
    unsigned value = 0;
    const auto [end, error] = std::from_chars(parts[i].data(), parts[i].data() + 1, value, 16);
    if (error != std::errc() || end != parts[i].data() + 1) return {};
    if (i % 2 == 1) {
      out += static_cast<char>(value << 4);
    } else {
      out.back() = static_cast<char>(static_cast<unsigned char>(out.back()) | value);
    }
  }
  return out;
}

}  // namespace

std::string address_bytes(const std::string& text) {
  std::array<char, 16> bytes;
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 16);
  return {};
}

std::string reverse_address(std::string_view folded) {
  for (const auto& [suffix, read] : {std::pair{std::string_view(".in-addr.arpa"), &reverse_v4},
                                     std::pair{std::string_view(".ip6.arpa"), &reverse_v6}}) {
    if (folded.ends_with(suffix)) return read(folded.substr(0, folded.size() - suffix.size()));
  }
  return {};
}

}  // namespace kpp::dns
