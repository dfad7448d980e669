// What probes and Prometheus ask a DNS server.
#pragma once

#include <functional>

#include "net/http.h"

namespace kpp::dns {

// Answers /health (it runs), /ready (it knows the cluster) and /metrics. Runs on: its executor
// only.
class Health final : public net::Handler {
 public:
  struct Sources {
    std::function<bool()> ready;
    std::function<std::string()> metrics;  // Prometheus' text format
  };
  explicit Health(Sources sources) : sources_(std::move(sources)) {}
  async::Task<net::Response> handle(net::Request request, async::StopToken stop) override;

 private:
  const Sources sources_;
};

}  // namespace kpp::dns
