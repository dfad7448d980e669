#include "kubelet/probes/handlers.h"

#include <algorithm>
#include <charconv>

namespace kpp::kubelet {
namespace {

constexpr std::size_t kMaxOutput = 10 * 1024;

std::string cut(std::string text) {
  if (text.size() > kMaxOutput) text.resize(kMaxOutput);
  return text;
}

async::Task<ProbeAnswer> run_exec(Runtime& runtime, std::string id,
                                  std::vector<std::string> command, std::chrono::seconds timeout,
                                  async::StopToken stop) {
  auto answer = co_await runtime.exec_sync(std::move(id), command, timeout, std::move(stop));
  if (!answer) {
    if (answer.error().is(Reason::kTimeout)) {
      co_return ProbeAnswer{ProbeOutcome::kFailure,
                            cat("command timed out: ", quoted(join(command, " ")),
                                " timed out after ", timeout.count(), "s")};
    }
    co_return ProbeAnswer{ProbeOutcome::kUnknown, rpc_error_text(answer.error())};
  }
  std::string output = cut(answer->stdout + answer->stderr);
  co_return ProbeAnswer{answer->exit_code == 0 ? ProbeOutcome::kSuccess : ProbeOutcome::kFailure,
                        std::move(output)};
}

// A redirect to the same host is followed, elsewhere it is a warning.
bool same_host(const std::string& location, const HttpProbe& probe) {
  if (location.starts_with("/") && !location.starts_with("//")) return true;
  const auto scheme = location.find("//");
  if (scheme == std::string::npos) return true;
  const std::string authority =
      location.substr(scheme + 2, location.find('/', scheme + 2) - scheme - 2);
  return authority.substr(0, authority.find(':')) == probe.host;
}

void follow(HttpProbe& probe, const std::string& location) {
  const auto scheme = location.find("://");
  if (scheme == std::string::npos) {
    probe.path = location.starts_with("/") ? location : "/" + location;
    return;
  }
  probe.tls = location.starts_with("https");
  const auto slash = location.find('/', scheme + 3);
  const std::string authority = location.substr(scheme + 3, slash - scheme - 3);
  const auto colon = authority.find(':');
  probe.port = colon == std::string::npos ? (probe.tls ? 443 : 80)
                                          : std::atoi(authority.c_str() + colon + 1);
  probe.path = slash == std::string::npos ? "/" : location.substr(slash);
}

async::Task<ProbeAnswer> run_http(Dialer& dialer, HttpProbe probe, Duration timeout,
                                  async::StopToken stop) {
  constexpr int kMaxRedirects = 10;
  for (int hop = 0;; ++hop) {
    auto answer = co_await dialer.get(probe, timeout, stop);
    if (!answer) {
      co_return ProbeAnswer{ProbeOutcome::kFailure,
                            cat("Get ", quoted(probe.url()), ": ", answer.error().message())};
    }
    const bool redirect = answer->status >= 300 && answer->status < 400;
    if (redirect && !answer->location.empty() && same_host(answer->location, probe) &&
        hop < kMaxRedirects) {
      follow(probe, answer->location);
      continue;
    }
    if (redirect) {
      co_return ProbeAnswer{ProbeOutcome::kWarning,
                            cat("Probe terminated redirects, Response body: ", cut(answer->body))};
    }
    if (answer->status >= 200 && answer->status < 400) {
      co_return ProbeAnswer{ProbeOutcome::kSuccess, cut(answer->body)};
    }
    co_return ProbeAnswer{ProbeOutcome::kFailure,
                          cat("HTTP probe failed with statuscode: ", answer->status)};
  }
}

async::Task<ProbeAnswer> run_grpc(Dialer& dialer, std::string host, int port, std::string service,
                                  std::chrono::seconds timeout, async::StopToken stop) {
  auto answer =
      co_await dialer.grpc_health(host, port, std::move(service), timeout, std::move(stop));
  if (!answer) {
    if (answer.error().is(Reason::kServiceUnavailable) || answer.error().is(Reason::kTimeout)) {
      co_return ProbeAnswer{ProbeOutcome::kFailure,
                            cat("timeout: failed to connect service ", quoted(cat(host, ":", port)),
                                " within ", timeout.count(), "s: context deadline exceeded")};
    }
    co_return ProbeAnswer{ProbeOutcome::kFailure,
                          cat("error: health rpc failed: ", answer.error().message())};
  }
  if (*answer == "SERVING") co_return ProbeAnswer{ProbeOutcome::kSuccess, "service healthy"};
  co_return ProbeAnswer{ProbeOutcome::kFailure,
                        cat("service unhealthy (responded with ", quoted(*answer), ")")};
}

}  // namespace

Result<int> resolve_port(const api::IntOrString& port, const corev1::Container& container) {
  int number = port.int_value;
  if (port.is_string) {
    number = 0;
    for (const auto& p : container.ports) {
      if (p.name == port.string_value) number = p.container_port;
    }
    if (number == 0) {
      const auto& text = port.string_value;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
      if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
        return fail(Reason::kInvalid,
                    cat("couldn't find port: ", quoted(text), " in container ", container.name));
      }
    }
  }
  if (number > 0 && number < 65536) return number;
  return fail(Reason::kInvalid, cat("invalid port number: ", number));
}

Result<HttpProbe> http_probe(const corev1::HTTPGetAction& action,
                             const corev1::Container& container, const std::string& pod_ip,
                             const char* user_agent) {
  HttpProbe out;
  out.tls = action.scheme == "HTTPS";
  out.host = action.host.empty() ? pod_ip : action.host;
  KPP_ASSIGN(out.port, resolve_port(action.port, container));
  out.path = action.path.starts_with("/") ? action.path : "/" + action.path;
  bool has_agent = false;
  bool has_accept = false;
  for (const auto& header : action.http_headers) {
    std::string lower = header.name;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    has_agent = has_agent || lower == "user-agent";
    has_accept = has_accept || lower == "accept";
    if (!header.value.empty()) out.headers.emplace_back(header.name, header.value);
  }
  if (!has_agent) out.headers.emplace_back("User-Agent", user_agent);
  if (!has_accept) out.headers.emplace_back("Accept", "*/*");
  return out;
}

async::Task<ProbeAnswer> run_probe(Runtime& runtime, Dialer& dialer, corev1::Probe probe,
                                   corev1::Container container, ProbeTarget target,
                                   async::StopToken stop) {
  const auto timeout = std::chrono::seconds(probe.timeout_seconds > 0 ? probe.timeout_seconds : 1);
  const auto& handler = probe.handler;
  if (handler.exec) {
    co_return co_await run_exec(runtime, target.container_id, handler.exec->command, timeout,
                                std::move(stop));
  }
  if (handler.http_get) {
    auto request = http_probe(*handler.http_get, container, target.pod_ip, "kube-probe/1.36");
    if (!request) co_return ProbeAnswer{ProbeOutcome::kUnknown, request.error().message()};
    co_return co_await run_http(dialer, std::move(*request), timeout, std::move(stop));
  }
  if (handler.tcp_socket) {
    const auto port = resolve_port(handler.tcp_socket->port, container);
    if (!port) co_return ProbeAnswer{ProbeOutcome::kUnknown, port.error().message()};
    const std::string host =
        handler.tcp_socket->host.empty() ? target.pod_ip : handler.tcp_socket->host;
    const Status done = co_await dialer.connect_tcp(host, *port, timeout, std::move(stop));
    if (!done.ok()) co_return ProbeAnswer{ProbeOutcome::kFailure, done.message()};
    co_return ProbeAnswer{ProbeOutcome::kSuccess, ""};
  }
  if (handler.grpc) {
    co_return co_await run_grpc(dialer, target.pod_ip, handler.grpc->port,
                                handler.grpc->service.value_or(""), timeout, std::move(stop));
  }
  co_return ProbeAnswer{ProbeOutcome::kUnknown, cat("missing probe handler for ", container.name)};
}

}  // namespace kpp::kubelet
