// Signs approved requests for the signers of kubernetes.io.
#pragma once

#include <map>

#include "controllers/certificates/signers.h"
#include "controllers/controller.h"

namespace kpp::controllers {

struct SigningOptions {
  net::x509::KeyPair ca;  // of every signer that has none of its own; empty: only those sign
  std::map<std::string, net::x509::KeyPair> by_signer;
  Duration duration = std::chrono::hours(8760);

  // nullptr: the signer does not sign.
  const net::x509::KeyPair* ca_of(const std::string& signer) const;
  bool empty() const { return ca.key_pem.empty() && by_signer.empty(); }
};

class CsrSigner final : public Controller {
 public:
  CsrSigner(ControllerContext context, SigningOptions options);

 protected:
  async::Task<Status> reconcile(api::ObjectKey key, async::StopToken stop) override;

 private:
  Result<std::string> sign(const Csr& csr, const net::x509::KeyPair& ca) const;

  const SigningOptions options_;
  Lister<Csr> requests_;
};

}  // namespace kpp::controllers
