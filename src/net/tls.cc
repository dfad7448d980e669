#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstring>

#include "net/openssl_text.h"

namespace kpp::net {
namespace {

SSL_CTX* raw(TlsContext::Native* native) { return reinterpret_cast<SSL_CTX*>(native); }

constexpr unsigned char kServerProtocols[] = "\x02h2\x08http/1.1";

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void* http2) {
  const unsigned char* ours = kServerProtocols;
  unsigned ours_size = sizeof kServerProtocols - 1;
  if (http2 == nullptr) ours += 3, ours_size -= 3;
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, ours, ours_size, in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// The handshake goes on with any client certificate; what it is worth is read from the verify
// result.
int take_any(int, X509_STORE_CTX*) { return 1; }

Status use_certificate(SSL_CTX* context, const std::string& certificate_pem,
                       const std::string& key_pem) {
  const BioPtr certificates(
      BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const X509Ptr leaf(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return openssl_error("reading the certificate");
  while (X509* next = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return openssl_error("reading the certificate chain");
    }
  }
  ERR_clear_error();
  const BioPtr key_text(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const PkeyPtr key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return openssl_error("reading the key");
  if (SSL_CTX_check_private_key(context) != 1)
    return openssl_error("the key does not fit the certificate");
  return {};
}

// Puts the CAs into the store; clients are told their names where it is asked for.
Status trust(SSL_CTX* context, X509_STORE* store, const std::string& ca_pem, bool tell_names) {
  const BioPtr text(BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())));
  int count = 0;
  while (const X509Ptr ca{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(store, ca.get());
    if (tell_names) SSL_CTX_add_client_CA(context, ca.get());
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return Status(Reason::kBadRequest, "no certificate in the CA bundle");
  return {};
}

void set_common(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // The cheapest of the three first; all are strong.
  SSL_CTX_set_ciphersuites(
      context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_read_ahead(context, 1);
}

}  // namespace

struct TlsContext::Trust {
  std::unique_ptr<X509_STORE, OpensslDeleter<&X509_STORE_free>> store;
};

TlsContext::TlsContext(Native* native, bool insecure) : native_(native), insecure_(insecure) {}
TlsContext::~TlsContext() { SSL_CTX_free(raw(native_)); }

bool TlsContext::is_of_proxy(const void* certificate) const {
  if (!proxies_) return false;
  const std::unique_ptr<X509_STORE_CTX, OpensslDeleter<&X509_STORE_CTX_free>> context(
      X509_STORE_CTX_new());
  auto* const leaf = static_cast<X509*>(const_cast<void*>(certificate));
  if (!context || X509_STORE_CTX_init(context.get(), proxies_->store.get(), leaf, nullptr) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT) != 1) {
    return false;
  }
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return good;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const TlsServerOptions& options) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) return fail(openssl_error("making a TLS context"));
  const std::shared_ptr<TlsContext> out(new TlsContext(reinterpret_cast<Native*>(context), false));
  set_common(context);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(context, 1);
  KPP_RETURN_IF_ERROR(use_certificate(context, options.certificate_pem, options.key_pem));
  if (!options.proxy_ca_pem.empty()) {
    auto proxies = std::make_unique<Trust>();
    proxies->store.reset(X509_STORE_new());
    if (!proxies->store) return fail(openssl_error("making a set of CAs"));
    KPP_RETURN_IF_ERROR(trust(context, proxies->store.get(), options.proxy_ca_pem, true));
    out->proxies_ = std::move(proxies);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &take_any);
  }
  if (!options.client_ca_pem.empty()) {
    KPP_RETURN_IF_ERROR(
        trust(context, SSL_CTX_get_cert_store(context), options.client_ca_pem, true));
    if (options.require_client_certificate) {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    } else {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &take_any);
    }
  }
  static constexpr unsigned char kSessionContext[] = "kpp";
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
  SSL_CTX_set_alpn_select_cb(context, &choose_protocol, options.http2 ? context : nullptr);
  return out;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const TlsClientOptions& options) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return fail(openssl_error("making a TLS context"));
  std::shared_ptr<const TlsContext> out(
      new TlsContext(reinterpret_cast<Native*>(context), options.insecure));
  set_common(context);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (!options.ca_pem.empty()) {
    KPP_RETURN_IF_ERROR(trust(context, SSL_CTX_get_cert_store(context), options.ca_pem, false));
  }
  if (!options.certificate_pem.empty()) {
    KPP_RETURN_IF_ERROR(use_certificate(context, options.certificate_pem, options.key_pem));
  }
  if (options.http2) {
    SSL_CTX_set_alpn_protos(context, kServerProtocols, 3);
  } else {
    SSL_CTX_set_alpn_protos(context, kServerProtocols + 3, 9);
  }
  return out;
}

}  // namespace kpp::net
