#include "dockershim/streaming/pod_dial.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "linux/fd.h"
#include "linux/namespaces.h"
#include "net/socket.h"

namespace kpp::dockershim {
namespace {

// A socket belongs to the namespace that its maker was in. A thread of its own goes there, so that
// no thread of ours has to find back.
Result<int> socket_in(std::int64_t pid, int family) {
  KPP_ASSIGN(const sys::NamespaceSet there,
             sys::NamespaceSet::network_at(cat("/proc/", pid, "/ns/net")));
  int fd = -1;
  int error = 0;
  std::thread([&] {
    error = there.join();
    if (error != 0) return;
    fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) error = errno;
  }).join();
  if (fd < 0) return fail(errno_status("socket in the pod", error));
  return fd;
}

// As Go writes it: "connection refused".
std::string error_text(int error) {
  std::string out = std::strerror(error);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] + 32);
  return out;
}

async::Task<Result<std::unique_ptr<net::ByteStream>>> dial_family(async::IoExecutor& executor,
                                                                  async::ThreadPool& pool,
                                                                  std::int64_t pid,
                                                                  std::uint16_t port, int family,
                                                                  async::StopToken stop) {
  const Result<int> fd =
      co_await async::offload(executor, pool, [pid, family] { return socket_in(pid, family); });
  if (!fd) co_return fail(fd.error());
  auto socket = std::make_unique<net::Socket>(executor, *fd);
  const bool is_v4 = family == AF_INET;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = in6addr_loopback;
  const auto* to =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  int error = ::connect(*fd, to, is_v4 ? sizeof v4 : sizeof v6) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    const async::StopCallback on_stop(stop, [s = socket.get()] { s->wake_all(); });
    co_await socket->writable();
    if (stop.stop_requested()) co_return fail(Reason::kCanceled, "context canceled");
    socklen_t size = sizeof error;
    if (::getsockopt(*fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  }
  if (error != 0) {
    co_return fail(Reason::kServiceUnavailable, cat("dial tcp", is_v4 ? "4 127.0.0.1:" : "6 [::1]:",
                                                    port, ": connect: ", error_text(error)));
  }
  co_return net::make_byte_stream(std::move(socket), "");
}

}  // namespace

async::Task<Result<std::unique_ptr<net::ByteStream>>> dial_in_namespace(async::IoExecutor& executor,
                                                                        async::ThreadPool& pool,
                                                                        std::int64_t pid,
                                                                        std::uint16_t port,
                                                                        async::StopToken stop) {
  auto v4 = co_await dial_family(executor, pool, pid, port, AF_INET, stop);
  if (v4) co_return v4;
  auto v6 = co_await dial_family(executor, pool, pid, port, AF_INET6, stop);
  if (v6) co_return v6;
  co_return fail(Reason::kServiceUnavailable, cat("failed to connect to localhost:", port,
                                                  " inside the pod, IPv4: ", v4.error().message(),
                                                  " IPv6 ", v6.error().message()));
}

}  // namespace kpp::dockershim
