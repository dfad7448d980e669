#include "proxy/service_health.h"

#include "net/server.h"
#include "proxy/health.h"

namespace kpp::proxy {

struct ServiceHealthPorts::Port {
  explicit Port(const Health& health) : answers(health) {}
  ServiceHealthAnswers answers;
  std::unique_ptr<net::Server> server;
};

async::Task<net::Response> ServiceHealthAnswers::handle(net::Request /*request*/,
                                                        async::StopToken /*stop*/) {
  const bool healthy = health_.healthy();
  const bool good = healthy && service_.local_endpoints > 0;
  auto response = net::Response::text(
      good ? 200 : 503, "application/json",
      cat("{\n\t\"service\": {\n\t\t\"namespace\": ", kpp::quoted(service_.namespace_),
          ",\n\t\t\"name\": ", kpp::quoted(service_.name), "\n\t},\n\t\"localEndpoints\": ",
          service_.local_endpoints, ",\n\t\"serviceProxyHealthy\": ", healthy, "\n}"));
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("X-Load-Balancing-Endpoint-Weight", cat(service_.local_endpoints));
  co_return response;
}

ServiceHealthPorts::ServiceHealthPorts(async::IoExecutor& executor, Logger log,
                                       std::vector<std::string> addresses)
    : executor_(executor), log_(std::move(log)), addresses_(std::move(addresses)) {}
ServiceHealthPorts::~ServiceHealthPorts() = default;

bool ServiceHealthPorts::open(int number, Port& port) {
  port.server = std::make_unique<net::Server>(executor_, port.answers, net::ServerOptions{},
                                              log_.named("service-health"));
  const std::vector<std::string> everywhere{""};
  for (const std::string& address : addresses_.empty() ? everywhere : addresses_) {
    const auto opened =
        port.server->listen_tcp(address, static_cast<std::uint16_t>(number), nullptr);
    if (opened) continue;
    log_.error("Failed to start healthcheck",
               {kv("port", number), kv("address", address), kv("err", opened.error())});
    return false;
  }
  return true;
}

async::Task<void> ServiceHealthPorts::update(std::map<int, CheckedService> wanted,
                                             const Health& health) {
  std::vector<std::unique_ptr<Port>> closing;
  for (auto it = ports_.begin(); it != ports_.end();) {
    if (wanted.contains(it->first)) {
      ++it;
      continue;
    }
    closing.push_back(std::move(it->second));
    it = ports_.erase(it);
  }
  for (auto& [number, service] : wanted) {
    auto& port = ports_[number];
    const bool fresh = !port;
    if (fresh) port = std::make_unique<Port>(health);
    port->answers.set(std::move(service));
    if (!fresh || open(number, *port)) continue;
    closing.push_back(std::move(port));
    ports_.erase(number);
  }
  for (const auto& port : closing) co_await port->server->stop();
}

async::Task<void> ServiceHealthPorts::stop() {
  auto closing = std::move(ports_);
  ports_.clear();
  for (const auto& [number, port] : closing) co_await port->server->stop();
}

}  // namespace kpp::proxy
