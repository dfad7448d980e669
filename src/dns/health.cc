#include "dns/health.h"

namespace kpp::dns {

async::Task<net::Response> Health::handle(net::Request request, async::StopToken /*stop*/) {
  static constexpr std::string_view kPlain = "text/plain; charset=utf-8";
  if (request.path == "/health") co_return net::Response::text(200, std::string(kPlain), "OK");
  if (request.path == "/ready") {
    const bool ready = sources_.ready();
    co_return net::Response::text(ready ? 200 : 503, std::string(kPlain),
                                  ready ? "OK" : "kubernetes");
  }
  if (request.path == "/metrics") {
    co_return net::Response::text(200, "text/plain; version=0.0.4; charset=utf-8",
                                  sources_.metrics());
  }
  co_return net::Response::text(404, std::string(kPlain), "404 page not found\n");
}

}  // namespace kpp::dns
