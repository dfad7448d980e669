// How the API server reaches kubelets.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/call.h"
#include "async/executor.h"
#include "net/client.h"
#include "net/tls.h"

namespace kpp::apiserver {

// Guarantees: connections are kept and shared by all requests to one kubelet.
// Runs on: the executor, which must outlive it.
class KubeletConnections {
 public:
  struct Address {
    std::string host;
    std::uint16_t port = 10250;
    std::string authority() const;  // host:port
  };

  // tls: this server's credential; nullptr: none is reached.
  // address_types: which of a node's addresses it is reached by, the best first.
  KubeletConnections(async::IoExecutor& executor, std::shared_ptr<const net::TlsContext> tls,
                     std::vector<std::string> address_types);

  async::IoExecutor& executor() const { return executor_; }
  // Where a node's kubelet listens. kNotFound: there is no such node; kInternalError: it has no
  // address yet.
  Result<Address> address_of(Call& call, std::string_view node_name) const;
  // kInternalError: this server has no credential for kubelets.
  Result<net::HttpClient*> client_for(const Address& address);

 private:
  async::IoExecutor& executor_;
  std::shared_ptr<const net::TlsContext> tls_;
  std::vector<std::string> address_types_;
  std::map<std::string, std::unique_ptr<net::HttpClient>> clients_;  // by authority
};

}  // namespace kpp::apiserver
