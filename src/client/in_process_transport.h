// A transport that calls a handler in the same process: no socket, no TLS.
#pragma once

#include <string>
#include <vector>

#include "net/http.h"

namespace kpp::client {

// Requests arrive as those of a client with a verified certificate of `user` in `groups`, from
// "in-process".
//
// Ownership: the handler must outlive it.
// Runs on: the handler's executor.
class InProcessTransport final : public net::Transport {
 public:
  InProcessTransport(net::Handler& handler, std::string user, std::vector<std::string> groups = {});

  async::Task<Result<net::Response>> send(net::Request request, bool want_stream,
                                          async::StopToken stop) override;

 private:
  net::Handler& handler_;
  const net::PeerCertificate identity_;
};

}  // namespace kpp::client
