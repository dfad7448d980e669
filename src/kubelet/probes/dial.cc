#include "kubelet/probes/dial.h"

#include "async/wait.h"
#include "base/cat.h"
#include "net/client.h"
#include "net/grpc.h"

namespace kpp::kubelet {
namespace {

constexpr std::size_t kMaxBody = 10 * 1024;

// Requests a stop after some time.
class Deadline {
 public:
  Deadline(async::Executor& executor, Duration timeout, const async::StopToken& outer)
      : executor_(executor), forward_(outer, [this] { stop_.request_stop(); }) {
    timer_ = executor.call_at(executor.steady() + timeout, [this] {
      expired_ = true;
      stop_.request_stop();
    });
  }
  ~Deadline() { executor_.cancel(timer_); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  async::StopToken token() const { return stop_.token(); }
  bool expired() const { return expired_; }

 private:
  async::Executor& executor_;
  async::StopSource stop_;
  async::StopCallback forward_;
  async::TimerId timer_ = 0;
  bool expired_ = false;
};

std::string with_port(const std::string& host, int port) {
  return host.find(':') == std::string::npos ? cat(host, ":", port) : cat("[", host, "]:", port);
}

// What the system said about a connection, as Go words it.
std::string dial_text(const std::string& host, int port, const Status& error) {
  std::string why = error.message();
  if (const auto colon = why.rfind(": "); colon != std::string::npos) why = why.substr(colon + 2);
  if (!why.empty() && why[0] >= 'A' && why[0] <= 'Z') why[0] = static_cast<char>(why[0] + 32);
  return cat("dial tcp ", with_port(host, port), ": connect: ", why);
}

// Reads a message of one string or number: enough for health checks.
std::string health_request(const std::string& service) {
  if (service.empty()) return {};
  std::string out = "\x0a";
  std::size_t n = service.size();
  while (n >= 0x80) {
    out += static_cast<char>((n & 0x7f) | 0x80);
    n >>= 7;
  }
  out += static_cast<char>(n);
  return out + service;
}

std::string health_status(const std::string& bytes) {
  const int value = bytes.size() >= 2 && bytes[0] == 0x08 ? bytes[1] : 0;
  switch (value) {
    case 1:
      return "SERVING";
    case 2:
      return "NOT_SERVING";
    case 3:
      return "SERVICE_UNKNOWN";
    default:
      return "UNKNOWN";
  }
}

class NetDialer final : public Dialer {
 public:
  explicit NetDialer(async::IoExecutor& executor) : executor_(executor) {}

  async::Task<Status> connect_tcp(std::string host, int port, Duration timeout,
                                  async::StopToken stop) override {
    Deadline deadline(executor_, timeout, stop);
    auto stream =
        co_await net::dial_tcp(executor_, host, static_cast<std::uint16_t>(port), deadline.token());
    if (stream) {
      (*stream)->abort();
      co_return Status();
    }
    if (deadline.expired())
      co_return Status(Reason::kTimeout, cat("dial tcp ", with_port(host, port), ": i/o timeout"));
    co_return Status(Reason::kServiceUnavailable, dial_text(host, port, stream.error()));
  }

  async::Task<Result<HttpAnswer>> get(HttpProbe probe, Duration timeout,
                                      async::StopToken stop) override {
    net::Endpoint endpoint;
    endpoint.tls = probe.tls;
    endpoint.host = probe.host;
    endpoint.port = static_cast<std::uint16_t>(probe.port);
    net::ClientOptions options;
    options.dial.timeout = timeout;
    if (probe.tls) {
      net::TlsClientOptions tls;
      tls.insecure = true;
      auto context = net::TlsContext::client(tls);
      if (!context) co_return std::unexpected(std::move(context).error());
      options.dial.tls = *context;
    }
    net::Request request;
    request.method = "GET";
    const auto question = probe.path.find('?');
    request.path = net::percent_decode(probe.path.substr(0, question), false);
    if (question != std::string::npos) request.query = probe.path.substr(question + 1);
    for (const auto& [name, value] : probe.headers) request.headers.add(name, value);
    request.headers.set("Connection", "close");

    Deadline deadline(executor_, timeout, stop);
    net::HttpClient client(executor_, std::move(endpoint), std::move(options));
    auto response = co_await client.send(std::move(request), true, deadline.token());
    if (!response) {
      if (deadline.expired()) {
        co_return fail(
            Reason::kTimeout,
            "context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
      }
      if (response.error().is(Reason::kServiceUnavailable)) {
        co_return fail(Reason::kServiceUnavailable,
                       dial_text(probe.host, probe.port, response.error()));
      }
      co_return fail(Reason::kIo, "EOF");
    }
    HttpAnswer out;
    out.status = response->status;
    out.location = std::string(response->headers.get("Location"));
    out.body = response->body_text();
    while (response->stream && out.body.size() < kMaxBody) {
      auto piece = co_await response->stream->next(deadline.token());
      if (!piece || !*piece) break;
      out.body += **piece;
    }
    co_return out;
  }

  async::Task<Result<std::string>> grpc_health(std::string host, int port, std::string service,
                                               Duration timeout, async::StopToken stop) override {
    net::Endpoint endpoint;
    endpoint.host = host;
    endpoint.port = static_cast<std::uint16_t>(port);
    net::GrpcChannel channel(executor_, std::move(endpoint), {});
    auto answer = co_await channel.unary("/grpc.health.v1.Health/Check", health_request(service),
                                         timeout, stop);
    co_await channel.close();
    if (answer) co_return health_status(*answer);
    if (answer.error().code == net::kGrpcUnavailable)
      co_return fail(Reason::kServiceUnavailable, answer.error().message);
    if (answer.error().code == net::kGrpcDeadlineExceeded)
      co_return fail(Reason::kTimeout, answer.error().message);
    co_return fail(Reason::kUnknown, answer.error().to_string());
  }

 private:
  async::IoExecutor& executor_;
};

}  // namespace

std::string HttpProbe::url() const {
  return cat(tls ? "https" : "http", "://", with_port(host, port), path);
}

std::unique_ptr<Dialer> make_dialer(async::IoExecutor& executor) {
  return std::make_unique<NetDialer>(executor);
}

}  // namespace kpp::kubelet
