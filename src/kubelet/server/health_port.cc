#include "kubelet/server/health_port.h"

#include <algorithm>

namespace kpp::kubelet {
namespace {

constexpr std::string_view kParts[] = {"ping", "log", "syncloop"};

net::Response text(int status, std::string body) {
  return net::Response::text(status, "text/plain; charset=utf-8", std::move(body));
}

}  // namespace

std::optional<net::Response> health_answer(const net::Request& request) {
  constexpr std::string_view kPath = "/healthz";
  const std::string_view path = request.path;
  if (!path.starts_with(kPath)) return std::nullopt;
  const std::string_view rest = path.substr(kPath.size());
  if (rest.empty()) {
    if (!net::Query::parse(request.query).has("verbose")) return text(200, "ok");
    std::string lines;
    for (const auto part : kParts) lines += cat("[+]", part, " ok\n");
    return text(200, lines + "healthz check passed\n");
  }
  const bool known =
      rest.starts_with('/') && std::ranges::find(kParts, rest.substr(1)) != std::end(kParts);
  return known ? std::optional(text(200, "ok")) : std::nullopt;
}

class HealthPort::Answers final : public net::Handler {
 public:
  async::Task<net::Response> handle(net::Request request, async::StopToken) override {
    auto answer = health_answer(request);
    if (answer) co_return std::move(*answer);
    co_return text(404, "404 page not found\n");
  }
};

HealthPort::HealthPort(async::IoExecutor& executor, Logger log)
    : executor_(executor), log_(std::move(log)) {}
HealthPort::~HealthPort() = default;

Status HealthPort::start(const std::string& address, std::uint16_t port) {
  answers_ = std::make_unique<Answers>();
  server_ = std::make_unique<net::Server>(executor_, *answers_, net::ServerOptions(), log_);
  auto opened = server_->listen_tcp(address, port, nullptr);
  if (opened) return {};
  return std::move(opened).error().with_context(cat("cannot listen on ", address, ":", port));
}

async::Task<void> HealthPort::stop() {
  if (server_) co_await server_->stop();
}

}  // namespace kpp::kubelet
