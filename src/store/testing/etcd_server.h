// An etcd of a test's own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "net/testing/loopback.h"
#include "store/etcd/etcd_store.h"
#include "store/testing/temporary_directory.h"

namespace kpp::store::testing {

// One member on free ports of 127.0.0.1 that takes clients with a certificate of its CA only. Its
// process ends with the object, or with the test's process.
class EtcdServer {
 public:
  // What is missing on this machine to start one; empty: nothing.
  static std::string missing();

  EtcdServer();
  ~EtcdServer();
  EtcdServer(const EtcdServer&) = delete;
  EtcdServer& operator=(const EtcdServer&) = delete;

  // On the same ports and data.
  void start();
  // SIGKILL, and waits until it is gone.
  void kill();
  // How to open it, with keys below a prefix.
  EtcdOptions options(std::string prefix) const;
  std::string url() const;
  // Files of the certificates, for who takes files.
  std::string file(std::string_view name) const { return cat(directory_.path(), "/", name); }

 private:
  TemporaryDirectory directory_;
  net::testing::Certificates certificates_;
  std::uint16_t client_port_ = 0, peer_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace kpp::store::testing
