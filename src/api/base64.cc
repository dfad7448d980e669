#include "api/base64.h"

#include <array>
#include <cstdint>

namespace kpp::api {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto kValues = [] {
  std::array<std::int8_t, 256> out{};
  out.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    out[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  }
  return out;
}();

std::unexpected<Status> illegal(std::size_t at) {
  return fail(Reason::kBadRequest, cat("illegal base64 data at input byte ", at));
}

bool line_end(char c) { return c == '\n' || c == '\r'; }

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  std::size_t i = 0;
  for (; i + 2 < bytes.size(); i += 3) {
    const std::uint32_t v = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    const char four[] = {kAlphabet[v >> 18], kAlphabet[v >> 12 & 63], kAlphabet[v >> 6 & 63],
                         kAlphabet[v & 63]};
    out.append(four, 4);
  }
  if (i == bytes.size()) return;
  const bool two = i + 1 < bytes.size();
  const std::uint32_t v = byte(i) << 16 | (two ? byte(i + 1) << 8 : 0);
  out.push_back(kAlphabet[v >> 18]);
  out.push_back(kAlphabet[v >> 12 & 63]);
  out.push_back(two ? kAlphabet[v >> 6 & 63] : '=');
  out.push_back('=');
}

Result<std::string> decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t value = 0;
  int have = 0;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (line_end(c)) continue;
    if (c == '=') break;
    const int v = kValues[static_cast<unsigned char>(c)];
    if (v < 0) return illegal(i);
    value = value << 6 | static_cast<std::uint32_t>(v);
    if (++have == 4) {
      out.push_back(static_cast<char>(value >> 16));
      out.push_back(static_cast<char>(value >> 8));
      out.push_back(static_cast<char>(value));
      value = 0;
      have = 0;
    }
  }
  if (i == text.size()) {
    if (have != 0) return illegal(i);
    return out;
  }
  // Padding: "==" after two characters, "=" after three, then nothing.
  if (have < 2) return illegal(i);
  ++i;
  if (have == 2) {
    while (i < text.size() && line_end(text[i])) ++i;
    if (i == text.size()) return illegal(text.size());
    if (text[i] != '=') return illegal(i);
    ++i;
  }
  while (i < text.size() && line_end(text[i])) ++i;
  if (i < text.size()) return illegal(i);
  out.push_back(static_cast<char>(value >> (have == 2 ? 4 : 10)));
  if (have == 3) out.push_back(static_cast<char>(value >> 2));
  return out;
}

}  // namespace kpp::api
