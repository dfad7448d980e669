// Asking the API server for a certificate.
#pragma once

#include <string>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "base/log.h"
#include "client/client.h"
#include "net/x509.h"

namespace kpp::kubelet {

struct CertificateRequest {
  std::string signer;
  net::x509::Subject subject;
  net::x509::Usage usage;
};

// As which node's kubelet a client certificate is asked for.
CertificateRequest client_certificate_of(const std::string& node_name);
// For the port of the node: its name and addresses.
CertificateRequest serving_certificate_of(const std::string& node_name,
                                          const std::vector<std::string>& addresses);

// Makes a key and a CertificateSigningRequest, and waits until it is signed, for 15 minutes at
// most. Errors: kForbidden if it is denied or cannot be signed, kTimeout, kCanceled, or what the
// API server answers.
async::Task<Result<net::x509::KeyPair>> request_certificate(async::Executor& executor,
                                                            client::Client& client, Logger log,
                                                            CertificateRequest request,
                                                            async::StopToken stop);

}  // namespace kpp::kubelet
