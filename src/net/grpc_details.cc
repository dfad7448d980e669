#include "net/grpc_details.h"

#include <openssl/evp.h>

namespace kpp::net {

std::string encode_details(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  while (out.ends_with('=')) out.pop_back();
  return out;
}

std::string decode_details(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string padded(text);
  const std::size_t padding = (4 - padded.size() % 4) % 4;
  if (padding == 3) return {};
  padded.append(padding, '=');
  std::string out(padded.size() / 4 * 3 + 1, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(padded.data()),
                                   static_cast<int>(padded.size()));
  if (size < static_cast<int>(padding)) return {};
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

}  // namespace kpp::net
