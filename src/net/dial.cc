#include "net/dial.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "net/socket.h"

namespace kpp::net {
namespace {

// As the original's messages have it: "connection refused".
std::string error_words(int error) {
  std::string out = std::strerror(error);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z')
    out[0] = static_cast<char>(out[0] - 'A' + 'a');
  return out;
}

namespace asio = boost::asio;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

bool parse_address(const std::string& host, std::uint16_t port, Address& out) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    out.size = sizeof v4;
    return true;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    out.size = sizeof v6;
    return true;
  }
  return false;
}

// Asks the system's resolver; it runs on a thread of Asio's.
async::Task<Result<std::vector<Address>>> resolve(async::IoExecutor& executor, std::string host,
                                                  std::uint16_t port, async::StopToken stop) {
  std::vector<Address> out;
  Address numeric;
  if (parse_address(host, port, numeric)) {
    out.push_back(numeric);
    co_return out;
  }
  struct Awaiter {
    asio::ip::tcp::resolver& resolver;
    const std::string& host;
    const std::string service;
    std::vector<Address>& out;
    std::string error;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      resolver.async_resolve(
          host, service,
          [this, waiting](const boost::system::error_code& failed, const auto& found) {
            if (failed) error = failed.message();
            for (const auto& entry : found) {
              Address address;
              address.size = static_cast<socklen_t>(entry.endpoint().size());
              std::memcpy(&address.storage, entry.endpoint().data(), address.size);
              out.push_back(address);
            }
            waiting.resume();
          });
    }
    void await_resume() const {}
  };
  asio::ip::tcp::resolver resolver(executor.context());
  Awaiter awaiter{resolver, host, std::to_string(port), out, {}};
  {
    const async::StopCallback on_stop(stop, [&resolver] { resolver.cancel(); });
    co_await awaiter;
  }
  if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped while connecting");
  if (out.empty())
    co_return fail(Reason::kServiceUnavailable, cat("lookup ", host, ": ", awaiter.error));
  co_return out;
}

async::Task<Result<std::unique_ptr<Socket>>> connect_to(async::IoExecutor& executor,
                                                        Address address, std::string what,
                                                        Duration timeout, async::StopToken stop) {
  const int family = address.storage.ss_family;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(errno_status("socket", errno));
  if (family != AF_UNIX) set_tcp_options(fd);
  const int result =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
  int error = result == 0 ? 0 : errno;
  auto socket = std::make_unique<Socket>(executor, fd);
  if (error == EINPROGRESS) {
    bool late = false;
    const async::TimerId timer =
        executor.call_at(executor.steady() + timeout, [&late, s = socket.get()] {
          late = true;
          s->wake_all();
        });
    {
      const async::StopCallback on_stop(stop, [s = socket.get()] { s->wake_all(); });
      co_await socket->writable();
    }
    executor.cancel(timer);
    if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped while connecting");
    socklen_t size = sizeof error;
    error = 0;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (late && error == 0) error = ETIMEDOUT;
  }
  if (error != 0) {
    co_return fail(Reason::kServiceUnavailable,
                   cat("dial ", what, ": connect: ", error_words(error)));
  }
  co_return socket;
}

async::Task<Result<std::unique_ptr<Socket>>> connect_any(async::IoExecutor& executor,
                                                         Endpoint endpoint, Duration timeout,
                                                         async::StopToken stop) {
  const std::string what = endpoint.to_string();
  if (!endpoint.unix_path.empty()) {
    Address address;
    auto& to = reinterpret_cast<sockaddr_un&>(address.storage);
    to.sun_family = AF_UNIX;
    if (endpoint.unix_path.size() >= sizeof to.sun_path) {
      co_return fail(Reason::kServiceUnavailable, cat("dial ", what, ": the path is too long"));
    }
    std::memcpy(to.sun_path, endpoint.unix_path.data(), endpoint.unix_path.size());
    address.size = sizeof to;
    co_return co_await connect_to(executor, address, what, timeout, stop);
  }
  auto addresses = co_await resolve(executor, endpoint.host, endpoint.port, stop);
  if (!addresses) co_return fail(std::move(addresses).error());
  for (std::size_t i = 0;; ++i) {
    auto socket = co_await connect_to(executor, (*addresses)[i], what, timeout, stop);
    if (socket || i + 1 == addresses->size() || stop.stop_requested()) co_return socket;
  }
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view url) {
  Endpoint out;
  const auto bad = [url] {
    return fail(Reason::kBadRequest, cat("not an endpoint: ", quoted(url)));
  };
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return bad();
  const std::string_view scheme = url.substr(0, colon);
  std::string_view rest = url.substr(colon + 3);
  if (scheme == "unix") {
    if (!rest.starts_with('/')) return bad();
    out.unix_path = rest;
    return out;
  }
  if (scheme != "https" && scheme != "http" && scheme != "tcp") return bad();
  out.tls = scheme == "https";
  out.port = out.tls ? 443 : 80;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@") != std::string_view::npos) return bad();
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return bad();
    out.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
  } else {
    const auto end = std::min(rest.find(':'), rest.size());
    out.host = rest.substr(0, end);
    port = rest.substr(end);
  }
  if (out.host.empty()) return bad();
  if (!port.empty()) {
    const auto read = std::from_chars(port.data() + 1, port.data() + port.size(), out.port);
    if (port[0] != ':' || read.ec != std::errc() || read.ptr != port.data() + port.size())
      return bad();
  }
  return out;
}

std::string Endpoint::authority() const {
  if (!unix_path.empty()) return "localhost";
  const std::string name = host.find(':') == std::string::npos ? host : cat("[", host, "]");
  return port == (tls ? 443 : 80) ? name : cat(name, ":", port);
}

std::string Endpoint::to_string() const {
  if (!unix_path.empty()) return cat("unix ", unix_path);
  return cat("tcp ", host.find(':') == std::string::npos ? host : cat("[", host, "]"), ":", port);
}

async::Task<Result<std::unique_ptr<Socket>>> dial(async::IoExecutor& executor, Endpoint endpoint,
                                                  DialOptions options, async::StopToken stop) {
  if (endpoint.tls && !options.tls)
    co_return fail(Reason::kServiceUnavailable, "no TLS settings for an https endpoint");
  auto socket = co_await connect_any(executor, endpoint, options.timeout, stop);
  if (!socket || !endpoint.tls) co_return socket;
  Socket* const s = socket->get();
  const async::TimerId timer =
      executor.call_at(executor.steady() + options.timeout, [s] { s->abort(); });
  Status shaken;
  {
    const async::StopCallback on_stop(stop, [s] { s->abort(); });
    shaken = co_await s->connect_tls(
        options.tls, options.server_name.empty() ? endpoint.host : options.server_name);
  }
  executor.cancel(timer);
  if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped while connecting");
  if (!shaken.ok()) co_return fail(std::move(shaken).with_context(endpoint.to_string()));
  co_return socket;
}

async::Task<Result<std::unique_ptr<ByteStream>>> dial_tcp(async::IoExecutor& executor,
                                                          std::string host, std::uint16_t port,
                                                          async::StopToken stop) {
  Endpoint endpoint;
  endpoint.host = std::move(host);
  endpoint.port = port;
  auto socket = co_await dial(executor, std::move(endpoint), {}, std::move(stop));
  if (!socket) co_return fail(std::move(socket).error());
  co_return make_byte_stream(std::move(*socket), {});
}

}  // namespace kpp::net
