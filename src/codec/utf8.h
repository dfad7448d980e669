// Decoding of UTF-8 one character at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kpp::utf8 {

inline constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
  char32_t rune;
  std::size_t size;  // 1 with kReplacement if the bytes are no character
  bool valid;
};

// The character at `at`, which lies inside the text. Surrogates, overlong forms and what is beyond
// U+10FFFF are invalid.
inline Decoded decode(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1, true};
  std::size_t size = 0;
  char32_t rune = 0;
  char32_t least = 0;
  if (lead >= 0xC2 && lead < 0xE0) {
    size = 2, rune = lead & 0x1Fu, least = 0x80;
  } else if (lead >= 0xE0 && lead < 0xF0) {
    size = 3, rune = lead & 0x0Fu, least = 0x800;
  } else if (lead >= 0xF0 && lead < 0xF5) {
    size = 4, rune = lead & 0x07u, least = 0x10000;
  }
  if (size == 0 || text.size() - at < size) return {kReplacement, 1, false};
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(at + i) & 0xC0u) != 0x80u) return {kReplacement, 1, false};
    rune = (rune << 6) | (byte(at + i) & 0x3Fu);
  }
  if (rune < least || rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000)) {
    return {kReplacement, 1, false};
  }
  return {rune, size, true};
}

inline void append(std::string& out, char32_t rune) {
  if (rune < 0x80) {
    out.push_back(static_cast<char>(rune));
  } else if (rune < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (rune >> 6)));
    out.push_back(static_cast<char>(0x80 | (rune & 0x3F)));
  } else if (rune < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (rune >> 12)));
    out.push_back(static_cast<char>(0x80 | ((rune >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (rune & 0x3F)));
  } else {
    out.push_back(static_cast<char>(0xF0 | (rune >> 18)));
    out.push_back(static_cast<char>(0x80 | ((rune >> 12) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | ((rune >> 6) & 0x3F)));
    out.push_back(static_cast<char>(0x80 | (rune & 0x3F)));
  }
}

}  // namespace kpp::utf8
