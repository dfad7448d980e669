// Where a certificate and its key lie, and those that came before them.
#pragma once

#include <string>

#include "base/clock.h"
#include "net/x509.h"

namespace kpp::kubelet {

// Files NAME-2026-01-02-15-04-05.pem (certificates, then the key) in one folder, and the link
// NAME-current.pem to the one that counts.
//
// Guarantees: the link names a whole file or is not there. Files are for their owner alone.
// Runs on: any thread; calls block.
class CertificateStore {
 public:
  CertificateStore(std::string directory, std::string name);

  // kNotFound if there is none.
  Result<net::x509::KeyPair> current() const;
  Status update(const net::x509::KeyPair& pair, WallTime now) const;
  std::string current_path() const;

 private:
  const std::string directory_;
  const std::string name_;
};

// Cuts a text that holds certificates and a key in two. kInvalid if either is missing.
Result<net::x509::KeyPair> split_pem(std::string_view text);

}  // namespace kpp::kubelet
