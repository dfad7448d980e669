// Numbers in network order.
#pragma once

#include <cstdint>

namespace kpp::dns {

inline std::uint16_t get16(const unsigned char* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
inline std::uint32_t get32(const unsigned char* at) {
  return static_cast<std::uint32_t>(get16(at)) << 16 | get16(at + 2);
}
inline void put16(unsigned value, unsigned char* at) {
  at[0] = static_cast<unsigned char>(value >> 8);
  at[1] = static_cast<unsigned char>(value);
}
inline void put32(std::uint32_t value, unsigned char* at) {
  put16(value >> 16, at);
  put16(value & 0xffff, at + 2);
}

}  // namespace kpp::dns
