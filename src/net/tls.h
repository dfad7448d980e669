// TLS from PEM texts: who we are, whom we trust.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"

namespace kpp::net {

struct TlsServerOptions {
  std::string certificate_pem;  // the leaf first, then intermediates
  std::string key_pem;
  // If set, clients may show a certificate; whether these CAs signed it stands in
  // PeerCertificate::verified.
  std::string client_ca_pem;
  // CAs of proxies that say in headers whom they speak for; PeerCertificate::of_proxy.
  std::string proxy_ca_pem;
  // Turns clients away that show no certificate these CAs signed.
  bool require_client_certificate = false;
  bool http2 = true;
};

struct TlsClientOptions {
  std::string ca_pem;           // whom to trust; empty: nobody, unless `insecure`
  std::string certificate_pem;  // shown to the server if set
  std::string key_pem;
  bool insecure = false;  // takes any server certificate
  bool http2 = false;     // offers h2 only
};

// Keys and trust of one side, for any number of connections: TLS 1.2 and newer. Thread-safe.
class TlsContext {
 public:
  struct Native;  // an SSL_CTX

  static Result<std::shared_ptr<const TlsContext>> server(const TlsServerOptions& options);
  static Result<std::shared_ptr<const TlsContext>> client(const TlsClientOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  Native* native() const { return native_; }
  bool insecure() const { return insecure_; }
  // Whether a CA of proxies signed this certificate (an X509), within its validity, for client
  // authentication.
  bool is_of_proxy(const void* certificate) const;

 private:
  TlsContext(Native* native, bool insecure);
  struct Trust;  // an X509_STORE
  Native* native_;
  bool insecure_;
  std::unique_ptr<Trust> proxies_;  // nullptr: there are none
};

}  // namespace kpp::net
