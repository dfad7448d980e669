#include "proxy/rules/names.h"

#include <openssl/sha.h>

#include <algorithm>

namespace kpp::proxy {

namespace {

// The first 16 characters of the base32 form (RFC 4648) of the text's SHA-256.
std::string hash16(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (std::size_t i = 0; out.size() < 16; ++i) {
    bits = (bits << 8U) | digest[i];
    held += 8;
    while (held >= 5 && out.size() < 16) {
      held -= 5;
      out.push_back(kAlphabet[(bits >> held) & 31U]);
    }
  }
  return out;
}

std::string hashed_part(const ServicePortName& name) {
  std::string protocol = name.protocol;
  std::transform(protocol.begin(), protocol.end(), protocol.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return cat(name.to_string(), protocol);
}

}  // namespace

ChainNames::ChainNames(const ServicePortName& name) {
  const std::string hash = hash16(hashed_part(name));
  cluster = cat("KUBE-SVC-", hash);
  local = cat("KUBE-SVL-", hash);
  external = cat("KUBE-EXT-", hash);
  firewall = cat("KUBE-FW-", hash);
}

std::string endpoint_chain(const ServicePortName& name, std::string_view endpoint) {
  return cat("KUBE-SEP-", hash16(cat(hashed_part(name), endpoint)));
}

bool is_service_chain(std::string_view chain) {
  for (const std::string_view prefix :
       {"KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-"}) {
    if (chain.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace kpp::proxy
