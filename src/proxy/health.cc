#include "proxy/health.h"

#include <algorithm>

namespace kpp::proxy {

void Health::queued(int family) {
  auto& side = sides_[family];
  if (!side.queued_since) side.queued_since = executor_.steady();
}

void Health::synced(int family) {
  sides_[family].queued_since.reset();
  sides_[family].updated = executor_.wall();
}

bool Health::healthy(const Side& side) const {
  return !side.queued_since || executor_.steady() - *side.queued_since < 2 * sync_period_;
}

bool Health::healthy() const { return healthy(sides_[0]) && healthy(sides_[1]); }

std::string Health::body(bool with_node) const {
  std::optional<WallTime> oldest;
  std::string status;
  for (int family = 0; family < 2; ++family) {
    const auto& side = sides_[family];
    if (!side.updated) continue;
    oldest = oldest ? std::min(*oldest, *side.updated) : *side.updated;
    status += cat(status.empty() ? "" : ",", "\"", family == 0 ? "IPv4" : "IPv6",
                  "\":{\"lastUpdated\":\"", rfc3339_micro(*side.updated),
                  "\",\"healthy\":", healthy(side), "}");
  }
  const WallTime now = executor_.wall();
  return cat("{\"lastUpdated\": \"", rfc3339_micro(oldest.value_or(now)), "\",\"currentTime\": \"",
             rfc3339_micro(now), "\", ",
             with_node ? cat("\"nodeEligible\": ", node_eligible_, ", ") : std::string(),
             "\"healthy\": ", healthy(), ", \"status\": {", status, "}}");
}

async::Task<net::Response> Health::handle(net::Request request, async::StopToken /*stop*/) {
  const bool healthz = request.path == "/healthz";
  if (!healthz && request.path != "/livez") {
    co_return net::Response::text(404, "text/plain; charset=utf-8", "404 page not found\n");
  }
  const bool good = healthy() && (!healthz || node_eligible_);
  auto response = net::Response::text(good ? 200 : 503, "application/json", body(healthz));
  response.headers.set("X-Content-Type-Options", "nosniff");
  co_return response;
}

}  // namespace kpp::proxy
