#include "base/ids.h"

#include <sys/random.h>

#include "base/check.h"

namespace kpp {

std::string random_bytes(int n) {
  std::string out(static_cast<std::size_t>(n), '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = getrandom(out.data() + done, out.size() - done, 0);
    KPP_CHECK(got > 0, "getrandom gave nothing");
    done += static_cast<std::size_t>(got);
  }
  return out;
}

std::string new_uuid() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string b = random_bytes(16);
  b[6] = static_cast<char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<char>((b[8] & 0x3f) | 0x80);
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[static_cast<unsigned char>(b[i]) >> 4];
    out += kHex[static_cast<unsigned char>(b[i]) & 15];
  }
  return out;
}

std::string random_suffix(int n) {
  static constexpr char kAlphabet[] = "bcdfghjklmnpqrstvwxz2456789";  // 27 characters
  std::string out;
  while (out.size() < static_cast<std::size_t>(n)) {
    for (const char c : random_bytes(n * 2)) {
      const unsigned v = static_cast<unsigned char>(c);
      if (v >= 243) continue;  // 243 = 9 * 27: keeps the choice even
      if (out.size() < static_cast<std::size_t>(n)) out += kAlphabet[v % 27];
    }
  }
  return out;
}

}  // namespace kpp
