// The certificates of a cluster, under /etc/kubernetes/pki with the names that everybody expects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "kubeadm/config.h"
#include "kubeadm/phases.h"
#include "kubeadm/printer.h"
#include "net/x509.h"

namespace kpp::kubeadm {

// A certificate that kubeadm makes: ca, apiserver, ..., etcd/healthcheck-client.
struct CertificateKind {
  std::string_view name;     // of the command line: etcd-server
  std::string_view file;     // below the directory, without .crt and .key: etcd/server
  std::string_view ca;       // file of its CA; empty: it is one
  std::string_view subject;  // common name; empty: the node's name
  std::string_view organization;
  net::x509::Usage usage;
};

// In the order in which they are made. Those below etcd/ are for a local etcd alone.
const std::vector<CertificateKind>& certificate_kinds();
const CertificateKind* find_certificate_kind(std::string_view name);
bool is_etcd(const CertificateKind& kind);

// What a certificate of the kind says on this node.
Result<net::x509::Subject> subject_of(const CertificateKind& kind, const InitConfig& config);

// Makes what is missing; what is there is used if it fits its CA and has not expired, else it is an
// error. A CA without its key is an external one: then every certificate must be there. Only those
// are made whose phases (certs/ca, ...) are chosen.
// Keys are 0600. Blocks: an RSA key takes some tens of milliseconds.
Status make_certificates(const InitConfig& config, WallTime now, const PhaseChoice& choice,
                         const Printer& print);

// A certificate's key pair as the files hold it.
Result<net::x509::KeyPair> read_pair(const std::string& directory, std::string_view file);
Status write_pair(const std::string& directory, std::string_view file,
                  const net::x509::KeyPair& pair);

// Signs a new certificate for a new key, with the subject, names and usage of the present one.
Result<net::x509::KeyPair> renew(const net::x509::KeyPair& present, const net::x509::KeyPair& ca,
                                 const ClusterConfig& config, WallTime now);
// A key pair of the cluster's algorithm.
Result<net::x509::KeyPair> issue(const net::x509::KeyPair& ca, const net::x509::Subject& subject,
                                 net::x509::Usage usage, const ClusterConfig& config, WallTime now);

}  // namespace kpp::kubeadm
