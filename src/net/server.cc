#include "net/server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <list>
#include <vector>

#include "async/scope.h"
#include "async/wait.h"
#include "net/server_connection.h"
#include "net/text.h"

namespace kpp::net {
namespace {

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string address_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return cat(text, ":", ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      ::inet_ntop(AF_INET, reinterpret_cast<const char*>(&v6.sin6_addr) + 12, text, sizeof text);
      return cat(text, ":", ntohs(v6.sin6_port));
    }
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return cat("[", text, "]:", ntohs(v6.sin6_port));
  }
  return "@";
}

// A connection from accept() to its end.
struct Entry {
  Socket* handshaking = nullptr;  // before the protocol is known
  ServerConnection* connection = nullptr;
  TimePoint deadline = TimePoint::max();  // of the handshake

  void abort() {
    if (connection != nullptr)
      connection->abort();
    else if (handshaking != nullptr)
      handshaking->abort();
  }
};

struct Listener {
  std::unique_ptr<Socket> socket;
  std::shared_ptr<const TlsContext> tls;  // shared with connections
  bool is_unix = false;
};

}  // namespace

std::string http_date(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return std::string(text, size);
}

bool split_target(std::string_view target, std::string& path, std::string& query) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const auto slash = target.find('/', target.find("//") + 2);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const auto mark = target.find('?');
  const std::string_view raw = target.substr(0, mark);
  if ((raw.empty() || raw.front() != '/') && raw != "*") return false;
  if (!is_well_escaped(raw)) return false;
  path = percent_decode(raw, false);
  query = mark == std::string_view::npos ? std::string() : std::string(target.substr(mark + 1));
  return true;
}

struct Server::Impl {
  Impl(async::IoExecutor& e, Handler& h, ServerOptions o, const Logger& l)
      : executor(e), handler(h), options(o), log(l.named("net")), scope(e), loops(e) {}

  async::IoExecutor& executor;
  Handler& handler;
  const ServerOptions options;
  const Logger log;
  std::list<Listener> listeners;
  std::list<Entry> entries;
  bool stopping = false;
  bool sweeping = false;
  async::Scope scope;  // connections
  async::Scope loops;  // accepting and sweeping

  Result<Listener*> listen(int fd) {
    if (::listen(fd, 1024) != 0) {
      const Status status = errno_status("listen", errno);
      ::close(fd);
      return fail(status);
    }
    listeners.push_back({std::make_unique<Socket>(executor, fd), nullptr, false});
    return &listeners.back();
  }

  void start(Listener* listener) {
    loops.spawn(accept(listener));
    if (sweeping) return;
    sweeping = true;
    loops.spawn(sweep());
  }

  async::Task<void> accept(Listener* listener) {
    const async::StopToken stop = loops.stop_token();
    while (!stop.stop_requested()) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int fd = ::accept4(listener->socket->fd(), reinterpret_cast<sockaddr*>(&address), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        if (static_cast<int>(entries.size()) >= options.max_connections) {
          ::close(fd);
          continue;
        }
        if (!listener->is_unix) set_tcp_options(fd);
        scope.spawn(serve(fd, address_text(address), listener->tls));
        continue;
      }
      if (errno == EAGAIN) {
        co_await listener->socket->readable();
      } else if (errno != EINTR && errno != ECONNABORTED) {
        if (stop.stop_requested()) co_return;
        log.error("Cannot accept a connection", {kv("error", std::strerror(errno))});
        co_await async::sleep_for(executor, std::chrono::milliseconds(100), stop);
      }
    }
  }

  async::Task<void> serve(int fd, std::string remote, std::shared_ptr<const TlsContext> tls) {
    const auto entry = entries.emplace(entries.end());
    co_await serve_entry(&*entry, std::make_unique<Socket>(executor, fd), std::move(remote),
                         std::move(tls));
    entries.erase(entry);
  }

  async::Task<void> serve_entry(Entry* entry, std::unique_ptr<Socket> socket, std::string remote,
                                std::shared_ptr<const TlsContext> tls) {
    if (stopping) co_return;
    entry->handshaking = socket.get();
    entry->deadline = executor.steady() + options.header_timeout;
    bool is_http2 = false;
    std::string first_bytes;
    if (tls) {
      const Status shaken = co_await socket->accept_tls(tls);
      if (!shaken.ok()) {
        if (socket->got_plain_http()) {
          constexpr std::string_view kText =
              "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
          (void)!::send(socket->fd(), kText.data(), kText.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        log.debug(2, "TLS handshake failed", {kv("remote", remote), kv("error", shaken.message())});
        co_return;
      }
      is_http2 = socket->is_http2();
    } else {
      const bool known = co_await find_protocol(socket.get(), &first_bytes);
      if (!known) co_return;
      is_http2 = first_bytes.starts_with(kHttp2Preface);
    }
    PeerInfo peer{std::move(remote), socket->peer_certificate()};
    const ServerContext context{executor, handler, options};
    const auto connection =
        is_http2 ? make_http2_connection(context, std::move(socket), std::move(peer))
                 : make_http1_connection(context, std::move(socket), std::move(peer));
    entry->handshaking = nullptr;
    entry->deadline = TimePoint::max();
    entry->connection = connection.get();
    co_await connection->run(std::move(first_bytes));
    entry->connection = nullptr;
  }

  // Reads until it is clear whether the peer speaks HTTP/2.
  async::Task<bool> find_protocol(Socket* socket, std::string* out) {
    char buffer[kHttp2Preface.size()];
    while (out->size() < kHttp2Preface.size() && kHttp2Preface.starts_with(*out)) {
      std::size_t size = 0;
      const Socket::Io io = socket->read_some(buffer, sizeof buffer - out->size(), size);
      out->append(buffer, size);
      if (io == Socket::Io::kDone) continue;
      if (io != Socket::Io::kAgain || socket->aborted()) co_return false;
      co_await socket->readable();
    }
    co_return true;
  }

  // Cuts off what is past its deadline.
  async::Task<void> sweep() {
    const async::StopToken stop = loops.stop_token();
    for (;;) {
      const bool slept = co_await async::sleep_for(executor, std::chrono::seconds(1), stop);
      if (!slept) co_return;
      const TimePoint now = executor.steady();
      for (Entry& entry : entries) {
        const TimePoint deadline =
            entry.connection != nullptr ? entry.connection->deadline : entry.deadline;
        if (deadline <= now) entry.abort();
      }
    }
  }

  async::Task<void> cut_off_later(async::StopToken stop) {
    const bool slept = co_await async::sleep_for(executor, options.stop_timeout, stop);
    if (!slept) co_return;
    for (Entry& entry : entries) entry.abort();
  }
};

Server::Server(async::IoExecutor& executor, Handler& handler, ServerOptions options,
               const Logger& log)
    : impl_(std::make_unique<Impl>(executor, handler, options, log)) {}
Server::~Server() = default;

Result<std::uint16_t> Server::listen_tcp(std::string address, std::uint16_t port,
                                         std::shared_ptr<const TlsContext> tls) {
  sockaddr_storage to{};
  socklen_t size = 0;
  auto& v4 = reinterpret_cast<sockaddr_in&>(to);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
  if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof v4;
  } else if (address.empty() || ::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof v6;
  } else {
    return fail(Reason::kBadRequest, cat("not an IP address: ", quoted(address)));
  }
  const std::string what = cat("listening on ", address, " port ", port);
  int fd = ::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 && address.empty() && errno == EAFNOSUPPORT)
    return listen_tcp("0.0.0.0", port, std::move(tls));
  if (fd < 0) return fail(errno_status(what, errno));
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (to.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&to), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&to), &size) != 0) {
    const int error = errno;
    ::close(fd);
    // A machine that has IPv6 switched off.
    if (address.empty() && error == EADDRNOTAVAIL) {
      return listen_tcp("0.0.0.0", port, std::move(tls));
    }
    return fail(errno_status(what, error));
  }
  KPP_ASSIGN(Listener * listener, impl_->listen(fd));
  listener->tls = std::move(tls);
  impl_->start(listener);
  return ntohs(to.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
}

Status Server::listen_unix(std::string path) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.size() >= sizeof to.sun_path)
    return Status(Reason::kBadRequest, cat("the path is too long: ", path));
  std::memcpy(to.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno_status(cat("listening on ", path), errno);
  ::unlink(path.c_str());
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
      ::chmod(path.c_str(), 0600) != 0) {
    const int error = errno;
    ::close(fd);
    return errno_status(cat("listening on ", path), error);
  }
  KPP_ASSIGN(Listener * listener, impl_->listen(fd));
  listener->is_unix = true;
  impl_->start(listener);
  return {};
}

void Server::replace_tls(std::shared_ptr<const TlsContext> tls) {
  for (Listener& listener : impl_->listeners) {
    if (listener.tls) listener.tls = tls;
  }
}

int Server::connections() const { return static_cast<int>(impl_->entries.size()); }

async::Task<void> Server::stop() {
  if (impl_->stopping) {
    co_await impl_->scope.join();
    co_return;
  }
  impl_->stopping = true;
  impl_->loops.request_stop();
  for (Listener& listener : impl_->listeners) listener.socket->abort();
  for (Entry& entry : impl_->entries) {
    if (entry.connection != nullptr)
      entry.connection->begin_shutdown();
    else
      entry.abort();
  }
  async::Scope timer(impl_->executor);
  timer.spawn(impl_->cut_off_later(timer.stop_token()));
  co_await impl_->scope.join();
  timer.request_stop();
  co_await timer.join();
  co_await impl_->loops.join();
  impl_->listeners.clear();
}

}  // namespace kpp::net
