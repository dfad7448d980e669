// The store of several API servers: an etcd v3 cluster.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "async/executor.h"
#include "base/log.h"
#include "base/status.h"
#include "store/store.h"

namespace kpp::store {

struct EtcdOptions {
  std::vector<std::string> endpoints;  // "https://10.0.0.1:2379"; at least one
  // PEM texts; needed for https. The certificate is shown to etcd if there is one.
  std::string ca_pem, certificate_pem, key_pem;
  // Keys that begin with `root` begin with `prefix` in etcd.
  std::string root = "/registry", prefix = "/registry";
  std::chrono::seconds connect_timeout{20};
};

// Waits until the cluster answers.
//
// Guarantees: writes are single transactions, reads are linearizable; several processes may use the
//   same cluster.
// Ownership: the executor must outlive the store.
// Errors: kInvalid (an endpoint or a certificate that cannot be used), kTimeout (no answer).
// Stop: co_await close() before destroying it.
async::Task<Result<std::unique_ptr<Store>>> open_etcd(async::IoExecutor& executor,
                                                      EtcdOptions options, async::StopToken stop);

}  // namespace kpp::store
