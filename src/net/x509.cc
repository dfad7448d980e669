#include "net/x509.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "net/openssl_text.h"

namespace kpp::net::x509 {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, OpensslDeleter<&X509_REQ_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<&GENERAL_NAMES_free>>;

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string take_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<PkeyPtr> read_key(std::string_view pem) {
  PkeyPtr key(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, nullptr, nullptr));
  if (!key) return fail(openssl_error("reading a key"));
  return key;
}

Result<X509Ptr> read_x509(std::string_view pem) {
  X509Ptr certificate(PEM_read_bio_X509(reader(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return fail(openssl_error("reading a certificate"));
  return certificate;
}

Result<RequestPtr> read_x509_request(std::string_view pem) {
  RequestPtr request(PEM_read_bio_X509_REQ(reader(pem).get(), nullptr, nullptr, nullptr));
  if (!request) return fail(openssl_error("reading a certificate request"));
  const PkeyPtr key(X509_REQ_get_pubkey(request.get()));
  if (!key || X509_REQ_verify(request.get(), key.get()) != 1) {
    return fail(openssl_error("checking the signature of a certificate request"));
  }
  return request;
}

std::string write_x509(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return take_text(out.get());
}

void add_entry(X509_NAME* name, const char* kind, const std::string& value) {
  if (value.empty()) return;
  X509_NAME_add_entry_by_txt(name, kind, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(value.data()),
                             static_cast<int>(value.size()), -1, 0);
}

void set_name(X509_NAME* name, const Subject& subject) {
  for (const std::string& organization : subject.organizations) add_entry(name, "O", organization);
  add_entry(name, "CN", subject.common_name);
}

NamesPtr alternative_names(const Subject& subject) {
  NamesPtr names(GENERAL_NAMES_new());
  for (const std::string& dns : subject.dns_names) {
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size()));
    GENERAL_NAME* const name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  for (const std::string& ip : subject.ip_addresses) {
    ASN1_OCTET_STRING* const address = a2i_IPADDRESS(ip.c_str());
    if (address == nullptr) continue;
    GENERAL_NAME* const name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_IPADD, address);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  return names;
}

void read_alternative_names(const GENERAL_NAMES* names, Subject& out) {
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) {
      const auto* const text = name->d.dNSName;
      out.dns_names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                 static_cast<std::size_t>(ASN1_STRING_length(text)));
    } else if (name->type == GEN_IPADD) {
      const auto* const bytes = name->d.iPAddress;
      char text[INET6_ADDRSTRLEN] = {};
      const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
      if (family == AF_INET6 && ASN1_STRING_length(bytes) != 16) continue;
      ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof text);
      out.ip_addresses.emplace_back(text);
    }
  }
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  if (extension == nullptr) return;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::time_t seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// A certificate with serial number, times and names, before extensions and signature.
X509Ptr start_certificate(EVP_PKEY* key, const X509_NAME* issuer, const Subject& subject,
                          Validity validity) {
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  unsigned char serial[16];
  RAND_bytes(serial, sizeof serial);
  serial[0] =
      static_cast<unsigned char>((serial[0] & 0x7F) | 0x40);  // positive, always the same size
  BIGNUM* const number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds(validity.not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), seconds(validity.not_after));
  set_name(X509_get_subject_name(certificate.get()), subject);
  X509_set_issuer_name(certificate.get(),
                       issuer != nullptr ? issuer : X509_get_subject_name(certificate.get()));
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

Result<std::string> sign_leaf(const KeyPair& ca, EVP_PKEY* key, const Subject& subject, Usage usage,
                              Validity validity) {
  KPP_ASSIGN(const X509Ptr issuer, read_x509(ca.certificate_pem));
  KPP_ASSIGN(const PkeyPtr ca_key, read_key(ca.key_pem));
  if (X509_check_private_key(issuer.get(), ca_key.get()) != 1) {
    return fail(openssl_error("the CA's key does not fit its certificate"));
  }
  const X509Ptr certificate =
      start_certificate(key, X509_get_subject_name(issuer.get()), subject, validity);
  X509* const c = certificate.get();
  add_extension(c, issuer.get(), NID_key_usage, "critical,digitalSignature,keyEncipherment");
  if (usage.server && usage.client)
    add_extension(c, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  else if (usage.server)
    add_extension(c, issuer.get(), NID_ext_key_usage, "serverAuth");
  else if (usage.client)
    add_extension(c, issuer.get(), NID_ext_key_usage, "clientAuth");
  add_extension(c, issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(c, issuer.get(), NID_authority_key_identifier, "keyid");
  const NamesPtr names = alternative_names(subject);
  if (sk_GENERAL_NAME_num(names.get()) > 0)
    X509_add1_ext_i2d(c, NID_subject_alt_name, names.get(), 0, 0);
  if (X509_sign(c, ca_key.get(), EVP_sha256()) == 0)
    return fail(openssl_error("signing a certificate"));
  return write_x509(c);
}

WallTime wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

Result<std::string> make_key(KeyKind kind) {
  const PkeyPtr key(kind == KeyKind::kEcdsaP256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048));
  if (!key) return fail(openssl_error("making a key"));
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
      1) {
    return fail(openssl_error("writing a key"));
  }
  return take_text(out.get());
}

Result<std::string> public_key(std::string_view key_pem) {
  KPP_ASSIGN(const PkeyPtr key, read_key(key_pem));
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PUBKEY(out.get(), key.get()) != 1)
    return fail(openssl_error("writing a public key"));
  return take_text(out.get());
}

Result<KeyPair> make_ca(std::string_view common_name, Validity validity, KeyKind kind,
                        const std::vector<std::string>& dns_names) {
  KeyPair out;
  KPP_ASSIGN(out.key_pem, make_key(kind));
  KPP_ASSIGN(const PkeyPtr key, read_key(out.key_pem));
  Subject subject;
  subject.common_name = common_name;
  subject.dns_names = dns_names;
  const X509Ptr certificate = start_certificate(key.get(), nullptr, subject, validity);
  X509* const c = certificate.get();
  add_extension(c, c, NID_key_usage, "critical,digitalSignature,keyEncipherment,keyCertSign");
  add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(c, c, NID_subject_key_identifier, "hash");
  const NamesPtr names = alternative_names(subject);
  if (sk_GENERAL_NAME_num(names.get()) > 0)
    X509_add1_ext_i2d(c, NID_subject_alt_name, names.get(), 0, 0);
  if (X509_sign(c, key.get(), EVP_sha256()) == 0)
    return fail(openssl_error("signing a certificate"));
  out.certificate_pem = write_x509(c);
  return out;
}

Result<std::string> sign(const KeyPair& ca, std::string_view key_pem, const Subject& subject,
                         Usage usage, Validity validity) {
  KPP_ASSIGN(const PkeyPtr key, read_key(key_pem));
  return sign_leaf(ca, key.get(), subject, usage, validity);
}

Result<KeyPair> issue(const KeyPair& ca, const Subject& subject, Usage usage, Validity validity) {
  KeyPair out;
  KPP_ASSIGN(out.key_pem, make_key());
  KPP_ASSIGN(out.certificate_pem, sign(ca, out.key_pem, subject, usage, validity));
  return out;
}

Result<std::string> make_request(std::string_view key_pem, const Subject& subject) {
  KPP_ASSIGN(const PkeyPtr key, read_key(key_pem));
  const RequestPtr request(X509_REQ_new());
  X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
  set_name(X509_REQ_get_subject_name(request.get()), subject);
  X509_REQ_set_pubkey(request.get(), key.get());
  const NamesPtr names = alternative_names(subject);
  if (sk_GENERAL_NAME_num(names.get()) > 0) {
    STACK_OF(X509_EXTENSION)* extensions = nullptr;
    X509V3_add1_i2d(&extensions, NID_subject_alt_name, names.get(), 0, 0);
    X509_REQ_add_extensions(request.get(), extensions);
    sk_X509_EXTENSION_pop_free(extensions, &X509_EXTENSION_free);
  }
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0)
    return fail(openssl_error("signing a request"));
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(out.get(), request.get());
  return take_text(out.get());
}

Result<Subject> read_request(std::string_view request_pem) {
  KPP_ASSIGN(const RequestPtr request, read_x509_request(request_pem));
  Subject out;
  const X509Ptr holder(X509_new());
  X509_set_subject_name(holder.get(), X509_REQ_get_subject_name(request.get()));
  read_subject(holder.get(), out.common_name, out.organizations);
  STACK_OF(X509_EXTENSION)* const extensions = X509_REQ_get_extensions(request.get());
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr)));
  sk_X509_EXTENSION_pop_free(extensions, &X509_EXTENSION_free);
  read_alternative_names(names.get(), out);
  ERR_clear_error();
  return out;
}

Result<std::string> sign_request(const KeyPair& ca, std::string_view request_pem, Usage usage,
                                 Validity validity) {
  KPP_ASSIGN(const Subject subject, read_request(request_pem));
  KPP_ASSIGN(const RequestPtr request, read_x509_request(request_pem));
  const PkeyPtr key(X509_REQ_get_pubkey(request.get()));
  return sign_leaf(ca, key.get(), subject, usage, validity);
}

Result<CertificateInfo> read_certificate(std::string_view certificate_pem) {
  KPP_ASSIGN(const X509Ptr certificate, read_x509(certificate_pem));
  X509* const c = certificate.get();
  CertificateInfo out;
  read_subject(c, out.subject.common_name, out.subject.organizations);
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(c, NID_subject_alt_name, nullptr, nullptr)));
  read_alternative_names(names.get(), out.subject);
  out.validity = {wall_time(X509_get0_notBefore(c)), wall_time(X509_get0_notAfter(c))};
  out.is_ca = X509_check_ca(c) == 1;
  if ((X509_get_extension_flags(c) & EXFLAG_XKUSAGE) != 0) {
    const std::uint32_t usages = X509_get_extended_key_usage(c);
    out.usage = {(usages & XKU_SSL_SERVER) != 0, (usages & XKU_SSL_CLIENT) != 0};
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(c, EVP_sha256(), digest, &size);
  out.sha256 = hex(digest, size);
  ERR_clear_error();
  return out;
}

Result<std::string> public_key_hash(std::string_view certificate_pem) {
  KPP_ASSIGN(const X509Ptr certificate, read_x509(certificate_pem));
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  if (size < 0) return fail(openssl_error("writing a public key"));
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(der, static_cast<std::size_t>(size), digest);
  OPENSSL_free(der);
  return hex(digest, sizeof digest);
}

}  // namespace kpp::net::x509
