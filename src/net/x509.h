// Keys and certificates as PEM texts: making, signing, looking at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace kpp::net::x509 {

enum class KeyKind { kEcdsaP256, kRsa2048 };

// A new private key, PKCS #8 PEM.
Result<std::string> make_key(KeyKind kind = KeyKind::kEcdsaP256);
// The public half of a private key, PEM.
Result<std::string> public_key(std::string_view key_pem);

// What a certificate says.
struct Subject {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};

struct Usage {
  bool server = false;
  bool client = false;
};

struct Validity {
  WallTime not_before;
  WallTime not_after;
};

struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;
};

// A CA that signs itself; `dns_names` are its alternative names.
Result<KeyPair> make_ca(std::string_view common_name, Validity validity,
                        KeyKind kind = KeyKind::kEcdsaP256,
                        const std::vector<std::string>& dns_names = {});
// A certificate for the public half of `key_pem`, signed by the CA.
Result<std::string> sign(const KeyPair& ca, std::string_view key_pem, const Subject& subject,
                         Usage usage, Validity validity);
// A new key and its certificate.
Result<KeyPair> issue(const KeyPair& ca, const Subject& subject, Usage usage, Validity validity);

// Signing requests (PKCS #10).
Result<std::string> make_request(std::string_view key_pem, const Subject& subject);
// What a request asks for, once its own signature was checked.
Result<Subject> read_request(std::string_view request_pem);
Result<std::string> sign_request(const KeyPair& ca, std::string_view request_pem, Usage usage,
                                 Validity validity);

struct CertificateInfo {
  Subject subject;
  Validity validity;
  Usage usage;
  bool is_ca = false;
  std::string sha256;  // of the DER bytes, lower-case hexadecimal
};
// Of the first certificate in the text.
Result<CertificateInfo> read_certificate(std::string_view certificate_pem);
// SHA-256 of the public key (SubjectPublicKeyInfo), hexadecimal: what kubeadm's discovery pins.
Result<std::string> public_key_hash(std::string_view certificate_pem);

}  // namespace kpp::net::x509
