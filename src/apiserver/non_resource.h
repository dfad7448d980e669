// Paths that are no resources: health, version, metrics, OpenAPI, token issuer discovery, the list
// of paths.
#pragma once

#include <memory>
#include <string>

#include "apiserver/call.h"
#include "apiserver/metrics.h"
#include "async/task.h"
#include "net/http.h"

namespace kpp::apiserver {

class NonResource {
 public:
  // tokens may be nullptr. `address` is the URL that others reach this server by.
  NonResource(Core& core, const ServiceAccountTokens* tokens, const RequestMetrics& metrics,
              std::string address);
  ~NonResource();
  // From now on /readyz is ok.
  void set_ready();
  async::Task<net::Response> answer(Call& call);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpp::apiserver
