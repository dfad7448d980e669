// Keeps one certificate of the kubelet from expiring.
#pragma once

#include <functional>

#include "async/executor.h"
#include "async/scope.h"
#include "base/log.h"
#include "client/client.h"
#include "kubelet/certificates/certificate_request.h"
#include "kubelet/certificates/certificate_store.h"

namespace kpp::kubelet {

struct CertificateKeeperDeps {
  async::Executor& executor;
  client::Client& client;
  Logger log;
};

// Guarantees: a certificate is asked for when there is none, when it does not say what is wanted,
// and when 70 to 90 percent of its life are over. It lies in the store before `changed` hears of
// it. What fails is tried again with growing pauses.
// Ownership: what the dependencies name must outlive it.
// Runs on: its executor only.
class CertificateKeeper {
 public:
  using Changed = std::function<void(const net::x509::KeyPair& pair)>;

  CertificateKeeper(CertificateKeeperDeps deps, CertificateStore store, CertificateRequest wanted,
                    Changed changed);

  // Tells of the certificate that is there, if it is still good. `at_once`: asks for another one
  // all the same.
  void start(bool at_once = false);
  async::Task<void> stop();

 private:
  async::Task<void> run();
  async::Task<bool> replace(async::StopToken stop);
  bool take_current();

  CertificateKeeperDeps deps_;
  const CertificateStore store_;
  const CertificateRequest wanted_;
  Changed changed_;
  WallTime replace_at_{};
  async::Scope scope_;
};

// When a certificate is to be replaced, for a share of 0 to 1 of the time in which it may be.
WallTime replacement_time(const net::x509::Validity& validity, double share);
// True if a certificate is for the subject: its name and organizations, and every name and address.
bool certifies(const net::x509::Subject& certificate, const net::x509::Subject& wanted);

}  // namespace kpp::kubelet
