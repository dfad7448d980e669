#include "apiserver/metrics.h"

#include "base/cat.h"

namespace kpp::apiserver {
namespace {

constexpr std::array<double, 23> kSeconds = {0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8,
                                             1,     1.25,  1.5,  2,   3,   4,   5,   6,
                                             8,     10,    15,   20,  30,  45,  60};
constexpr std::array<double, 7> kBytes = {1000, 10000, 100000, 1e6, 1e7, 1e8, 1e9};
constexpr std::array<std::string_view, 7> kByteNames = {"1000",  "10000", "100000", "1e+06",
                                                        "1e+07", "1e+08", "1e+09"};

bool connects(std::string_view subresource) {
  return subresource == "exec" || subresource == "attach" || subresource == "portforward" ||
         subresource == "proxy";
}

bool is_health(std::string_view path) {
  return path == "/healthz" || path == "/livez" || path == "/readyz";
}

// The verb as it is counted: the method, but for reads of many, watches, applies and connections.
std::string_view verb_of(const net::Request& request, const RequestInfo& info) {
  if (!info.is_resource) {
    for (const std::string_view known : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
      if (request.method == known) return known;
    }
    return request.method == "HEAD" ? "GET" : "other";
  }
  if (connects(info.subresource)) return "CONNECT";
  if (info.verb == "list") return "LIST";
  if (info.verb == "watch") return "WATCH";
  if (info.verb == "create") return "POST";
  if (info.verb == "update") return "PUT";
  if (info.verb == "delete" || info.verb == "deletecollection") return "DELETE";
  if (info.verb != "patch") return "GET";
  const auto type = request.headers.get("Content-Type");
  return type.starts_with("application/apply-patch") ? "APPLY" : "PATCH";
}

std::string_view scope_of(const RequestInfo& info) {
  if (!info.is_resource) return "";
  if (!info.name.empty() || info.verb == "create") return "resource";
  return info.namespace_.empty() ? "cluster" : "namespace";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

template <std::size_t N, class Name>
void write_histogram(std::string& out, std::string_view name, std::string_view labels,
                     const Histogram<N>& values, Name bound) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < N; ++i) {
    sum += values.counts[i];
    out += cat(name, "_bucket{", labels, ",le=\"", bound(i), "\"} ", sum, "\n");
  }
  out += cat(name, "_bucket{", labels, ",le=\"+Inf\"} ", values.count, "\n", name, "_sum{", labels,
             "} ", values.sum, "\n", name, "_count{", labels, "} ", values.count, "\n");
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += cat("# HELP ", name, " [STABLE] ", help, "\n# TYPE ", name, " ", type, "\n");
}

}  // namespace

struct RequestMetrics::Kind {
  // Labels in the order of their names; what stands around dry_run and in front of verb apart.
  std::string before, dry_run, middle, after;
  bool goes_on = false, changes = false, sized = false;
  std::int64_t running = 0;
  std::map<int, std::uint64_t> codes;
  Histogram<kSeconds.size()> seconds;
  Histogram<kBytes.size()> bytes;

  std::string labels() const { return cat(before, middle, after); }
  std::string labels_with_dry_run() const { return cat(before, dry_run, middle, after); }
};

RequestMetrics::RequestMetrics() = default;
RequestMetrics::~RequestMetrics() = default;

RequestMetrics::Running RequestMetrics::begin(const net::Request& request, const net::Query& query,
                                              const RequestInfo& info, TimePoint now) {
  const std::string_view verb = verb_of(request, info);
  const std::string_view sub = info.is_resource          ? std::string_view(info.subresource)
                               : is_health(request.path) ? std::string_view(request.path)
                                                         : std::string_view();
  const std::string_view dry = info.is_resource && query.get("dryRun") == "All" ? "All" : "";
  const std::string key = cat(verb, "\n", info.group, "\n", info.version, "\n", info.resource, "\n",
                              sub, "\n", scope_of(info), "\n", dry);
  auto& slot = kinds_[key];
  if (!slot) {
    slot = std::make_unique<Kind>();
    slot->before = "component=\"apiserver\",";
    slot->dry_run = cat("dry_run=\"", dry, "\",");
    slot->middle = cat("group=\"", escaped(info.group), "\",resource=\"", escaped(info.resource),
                       "\",scope=\"", scope_of(info), "\",subresource=\"", escaped(sub), "\",");
    slot->after = cat("verb=\"", escaped(verb), "\",version=\"", escaped(info.version), "\"");
    slot->goes_on = verb == "WATCH" || verb == "CONNECT" || sub == "log";
    slot->changes = verb != "GET" && verb != "LIST" && verb != "HEAD";
    slot->sized = verb == "GET" || verb == "LIST";
  }
  ++slot->running;
  if (!slot->goes_on) ++(slot->changes ? changing_ : reading_);
  return {slot.get(), now};
}

void RequestMetrics::end(const Running& running, int code, std::size_t bytes, TimePoint now) {
  Kind& kind = *running.kind;
  --kind.running;
  if (!kind.goes_on) --(kind.changes ? changing_ : reading_);
  ++kind.codes[code];
  kind.seconds.observe(kSeconds, std::chrono::duration<double>(now - running.since).count());
  if (kind.sized) kind.bytes.observe(kBytes, static_cast<double>(bytes));
}

void RequestMetrics::write(std::string& out) const {
  head(out, "apiserver_current_inflight_requests", "gauge",
       "Maximal number of currently used inflight request limit of this apiserver per request kind "
       "in last second.");
  out += cat("apiserver_current_inflight_requests{request_kind=\"mutating\"} ", changing_,
             "\napiserver_current_inflight_requests{request_kind=\"readOnly\"} ", reading_, "\n");
  head(out, "apiserver_longrunning_requests", "gauge",
       "Gauge of all active long-running apiserver requests broken out by verb, group, version, "
       "resource, scope and component. Not all requests are tracked this way.");
  for (const auto& [key, kind] : kinds_) {
    if (kind->goes_on && kind->dry_run == "dry_run=\"\",")
      out += cat("apiserver_longrunning_requests{", kind->labels(), "} ", kind->running, "\n");
  }
  head(out, "apiserver_request_duration_seconds", "histogram",
       "Response latency distribution in seconds for each verb, dry run value, group, version, "
       "resource, subresource, scope and component.");
  for (const auto& [key, kind] : kinds_) {
    if (kind->seconds.count == 0) continue;
    write_histogram(out, "apiserver_request_duration_seconds", kind->labels_with_dry_run(),
                    kind->seconds, [](std::size_t i) { return cat(kSeconds[i]); });
  }
  head(out, "apiserver_request_total", "counter",
       "Counter of apiserver requests broken out for each verb, dry run value, group, version, "
       "resource, scope, component, and HTTP response code.");
  for (const auto& [key, kind] : kinds_) {
    for (const auto& [code, count] : kind->codes) {
      out += cat("apiserver_request_total{code=\"", code, "\",", kind->labels_with_dry_run(), "} ",
                 count, "\n");
    }
  }
  head(out, "apiserver_response_sizes", "histogram",
       "Response size distribution in bytes for each group, version, verb, resource, subresource, "
       "scope and component.");
  for (const auto& [key, kind] : kinds_) {
    if (kind->bytes.count == 0) continue;
    write_histogram(out, "apiserver_response_sizes", kind->labels(), kind->bytes,
                    [](std::size_t i) { return kByteNames[i]; });
  }
}

}  // namespace kpp::apiserver
