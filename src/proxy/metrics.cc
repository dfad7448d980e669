#include "proxy/metrics.h"

#include <algorithm>

namespace kpp::proxy {
namespace {

constexpr std::string_view kPrefix = "kubeproxy_sync_";

double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }
double seconds(WallTime time) { return seconds(time.time_since_epoch()); }

void head(std::string& out, std::string_view name, std::string_view type) {
  out += cat("# TYPE ", name, " ", type, "\n");
}

}  // namespace

std::map<std::string, std::uint64_t> count_rules(std::string_view restore_text) {
  std::map<std::string, std::uint64_t> out;
  std::string table;
  while (!restore_text.empty()) {
    const std::size_t end = std::min(restore_text.find('\n'), restore_text.size());
    const std::string_view line = restore_text.substr(0, end);
    restore_text.remove_prefix(std::min(end + 1, restore_text.size()));
    if (line.starts_with("*")) table = line.substr(1);
    if (line.starts_with("-A ")) ++out[table];
  }
  return out;
}

void Metrics::Histogram::observe(Duration value) {
  double bound = 0.001;
  for (std::uint64_t& bucket : buckets) {
    if (seconds(value) <= bound) ++bucket;
    bound *= 2;
  }
  ++count;
  sum += seconds(value);
}

void Metrics::Histogram::write(std::string& out, std::string_view name,
                               std::string_view family) const {
  if (count == 0) return;
  double bound = 0.001;
  for (const std::uint64_t bucket : buckets) {
    out += cat(name, "_bucket{ip_family=\"", family, "\",le=\"", bound, "\"} ", bucket, "\n");
    bound *= 2;
  }
  out += cat(name, "_bucket{ip_family=\"", family, "\",le=\"+Inf\"} ", count, "\n");
  out += cat(name, "_sum{ip_family=\"", family, "\"} ", sum, "\n");
  out += cat(name, "_count{ip_family=\"", family, "\"} ", count, "\n");
}

void Metrics::queued(IpFamily family, WallTime now) {
  sides_[static_cast<std::size_t>(family)].last_queued = seconds(now);
}

void Metrics::synced(const Sync& sync, WallTime now) {
  Side& side = sides_[static_cast<std::size_t>(sync.family)];
  if (sync.failed) {
    ++side.failures;
    if (!sync.full) ++side.partial_failures;
    return;
  }
  side.all.observe(sync.took);
  (sync.full ? side.full : side.partial).observe(sync.took);
  side.last_sync = seconds(now);
  side.rules_written = count_rules(sync.text);
}

template <class F>
void Metrics::gauge(std::string& out, std::string_view name, std::string_view type, F value) const {
  const std::string full = cat(kPrefix, name);
  head(out, full, type);
  for (std::size_t f = 0; f < 2; ++f)
    out += cat(full, "{ip_family=\"", name_of(f), "\"} ", value(sides_[f]), "\n");
}

std::string Metrics::text() const {
  std::string out;
  const auto histogram = [&](std::string_view name, Histogram Side::* which) {
    const std::string full = cat(kPrefix, name);
    head(out, full, "histogram");
    for (std::size_t f = 0; f < 2; ++f) (sides_[f].*which).write(out, full, name_of(f));
  };
  histogram("proxy_rules_duration_seconds", &Side::all);
  histogram("full_proxy_rules_duration_seconds", &Side::full);
  histogram("partial_proxy_rules_duration_seconds", &Side::partial);
  gauge(out, "proxy_rules_last_timestamp_seconds", "gauge",
        [](const Side& side) { return side.last_sync; });
  gauge(out, "proxy_rules_last_queued_timestamp_seconds", "gauge",
        [](const Side& side) { return side.last_queued; });
  gauge(out, "proxy_rules_iptables_restore_failures_total", "counter",
        [](const Side& side) { return side.failures; });
  gauge(out, "proxy_rules_iptables_partial_restore_failures_total", "counter",
        [](const Side& side) { return side.partial_failures; });
  const std::string last = cat(kPrefix, "proxy_rules_iptables_last");
  head(out, last, "gauge");
  for (std::size_t f = 0; f < 2; ++f) {
    for (const auto& [table, count] : sides_[f].rules_written) {
      out += cat(last, "{ip_family=\"", name_of(f), "\",table=\"", table, "\"} ", count, "\n");
    }
  }
  const auto plain = [&](std::string_view name, std::string_view type, std::uint64_t value) {
    const std::string full = cat(kPrefix, name);
    head(out, full, type);
    out += cat(full, " ", value, "\n");
  };
  plain("proxy_rules_service_changes_total", "counter", service_changes_);
  plain("proxy_rules_endpoint_changes_total", "counter", endpoint_changes_);
  plain("proxy_rules_service_changes_pending", "gauge", pending_services_);
  return out;
}

async::Task<net::Response> Metrics::handle(net::Request request, async::StopToken /*stop*/) {
  std::string_view type = "text/plain; charset=utf-8";
  std::string body;
  if (request.path == "/metrics") {
    type = "text/plain; version=0.0.4; charset=utf-8";
    body = text();
  } else if (request.path == "/healthz") {
    body = "ok";
  } else if (request.path == "/proxyMode") {
    body = "iptables";
  } else {
    co_return net::Response::text(404, "text/plain; charset=utf-8", "404 page not found\n");
  }
  auto response = net::Response::text(200, std::string(type), std::move(body));
  response.headers.set("X-Content-Type-Options", "nosniff");
  co_return response;
}

}  // namespace kpp::proxy
