#include "controllers/node_ipam/cidr_set.h"

#include <arpa/inet.h>

#include <charconv>

#include "base/cat.h"

namespace kpp::controllers {
namespace {

constexpr int kMostBits = 16;

struct Range {
  std::array<std::uint8_t, 16> bytes{};
  bool v6 = false;
  int prefix = 0;
};

std::optional<Range> parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string address(text.substr(0, slash));
  const std::string_view length = text.substr(slash + 1);
  Range out;
  out.v6 = address.find(':') != std::string::npos;
  if (inet_pton(out.v6 ? AF_INET6 : AF_INET, address.c_str(), out.bytes.data()) != 1)
    return std::nullopt;
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), out.prefix);
  if (error != std::errc() || end != length.data() + length.size()) return std::nullopt;
  if (out.prefix < 0 || out.prefix > (out.v6 ? 128 : 32)) return std::nullopt;
  return out;
}

bool bit(const std::array<std::uint8_t, 16>& bytes, int i) {
  return (bytes[static_cast<std::size_t>(i / 8)] >> (7 - i % 8)) & 1;
}

}  // namespace

Result<CidrSet> CidrSet::make(std::string_view range, int mask) {
  const auto parsed = parse(range);
  if (!parsed) return fail(Reason::kInvalid, cat("invalid CIDR address: ", range));
  if (mask < parsed->prefix || mask - parsed->prefix > kMostBits ||
      mask > (parsed->v6 ? 128 : 32)) {
    return fail(Reason::kInvalid,
                cat("New CIDR set failed; the node CIDR size is too big: ", range, " in /", mask));
  }
  CidrSet out;
  out.v6_ = parsed->v6;
  out.prefix_ = parsed->prefix;
  out.mask_ = mask;
  out.count_ = 1u << (mask - parsed->prefix);
  for (int i = 0; i < parsed->prefix; ++i) {
    if (bit(parsed->bytes, i))
      out.base_[static_cast<std::size_t>(i / 8)] |= static_cast<std::uint8_t>(1u << (7 - i % 8));
  }
  return out;
}

std::string CidrSet::text_of(std::uint32_t index) const {
  Bytes bytes = base_;
  const int bits = mask_ - prefix_;
  for (int i = 0; i < bits; ++i) {
    if (((index >> (bits - 1 - i)) & 1u) == 0) continue;
    const int at = prefix_ + i;
    bytes[static_cast<std::size_t>(at / 8)] |= static_cast<std::uint8_t>(1u << (7 - at % 8));
  }
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return cat(text, "/", mask_);
}

std::optional<std::string> CidrSet::take_next() {
  for (std::uint32_t tried = 0; tried < count_; ++tried) {
    const std::uint32_t index = next_;
    next_ = (next_ + 1) % count_;
    if (taken_.insert(index).second) return text_of(index);
  }
  return std::nullopt;
}

bool CidrSet::mark(std::string_view range, bool taken) {
  const auto parsed = parse(range);
  if (!parsed || parsed->v6 != v6_ || parsed->prefix < prefix_) return false;
  for (int i = 0; i < prefix_; ++i) {
    if (bit(parsed->bytes, i) != bit(base_, i)) return false;
  }
  std::uint32_t first = 0;
  for (int i = prefix_; i < mask_; ++i) {
    first = first << 1 | (i < parsed->prefix && bit(parsed->bytes, i) ? 1u : 0u);
  }
  const std::uint32_t many = parsed->prefix >= mask_ ? 1 : 1u << (mask_ - parsed->prefix);
  for (std::uint32_t i = first; i < first + many; ++i) {
    if (taken) {
      taken_.insert(i);
    } else {
      taken_.erase(i);
    }
  }
  return true;
}

}  // namespace kpp::controllers
