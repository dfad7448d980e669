// The cluster's certificate authority and what it signs, made on first start and kept in the data
// directory.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "net/x509.h"

namespace kpp::apiserver {

struct CertificateOptions {
  std::string directory;               // <data dir>/pki; keys are 0600
  std::vector<std::string> dns_names;  // of the server, beside kubernetes.default.svc and its kin
  std::vector<std::string>
      ip_addresses;       // of the server; the service's first address belongs among them
  std::string node_name;  // for the kubelet's serving certificate; empty: none is made
  std::vector<std::string> node_addresses;
};

struct Certificates {
  std::string ca_certificate_pem;
  std::string ca_key_pem;
  net::x509::KeyPair server;            // of the API server
  net::x509::KeyPair admin;             // kubernetes-admin, group system:masters
  net::x509::KeyPair kubelet_client;    // with what the API server reaches kubelets
  net::x509::KeyPair kubelet_server;    // of the node server
  std::string service_account_key_pem;  // RSA; empty: make_service_account_key() has not run yet
};

// Loads what is there and makes what is missing; a serving certificate that lacks a name asked for
// is made anew. Makes no service account key. Blocks for some milliseconds.
Result<Certificates> ensure_certificates(const CertificateOptions& options, WallTime now);
// Makes and keeps the RSA key that signs service account tokens. Blocks: 50 to 600 ms, by chance.
Result<std::string> make_service_account_key(const std::string& directory);

}  // namespace kpp::apiserver
