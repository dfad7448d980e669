#include "dns/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "async/scope.h"
#include "async/wait.h"
#include "dns/wire_numbers.h"
#include "net/socket.h"

namespace kpp::dns {
namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kMaxQuestion = 4096;
constexpr int kBacklog = 128;

// Where a datagram came from, and which of our addresses it was sent to.
struct Peer {
  sockaddr_storage address{};
  socklen_t address_size = 0;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  std::size_t control_size = 0;

  msghdr header(iovec* data) {
    msghdr out{};
    out.msg_name = &address;
    out.msg_namelen = address_size;
    out.msg_iov = data;
    out.msg_iovlen = 1;
    out.msg_control = control_size != 0 ? control.data() : nullptr;
    out.msg_controllen = control_size;
    return out;
  }
  // Keeps what the kernel said of our own address; the device is left to routing.
  void take_control(msghdr& received) {
    control_size = 0;
    for (cmsghdr* c = CMSG_FIRSTHDR(&received); c != nullptr; c = CMSG_NXTHDR(&received, c)) {
      if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        in_pktinfo info;
        std::memcpy(&info, CMSG_DATA(c), sizeof info);
        info.ipi_ifindex = 0;
        std::memcpy(CMSG_DATA(c), &info, sizeof info);
        control_size = CMSG_SPACE(sizeof info);
      } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        control_size = CMSG_SPACE(sizeof(in6_pktinfo));
      }
    }
  }
};

Result<int> bound_socket(const std::string& address, std::uint16_t port, int type) {
  sockaddr_storage storage{};
  socklen_t size;
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  if (inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    size = sizeof v4;
  } else if (inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    size = sizeof v6;
  } else {
    return fail(Reason::kInvalid, cat("\"", address, "\" is no address to listen on"));
  }
  const int fd = ::socket(storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(errno_status("socket", errno));
  const int on = 1;
  if (type == SOCK_STREAM) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  } else if (storage.ss_family == AF_INET) {
    ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  } else {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  }
  if (storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0 ||
      (type == SOCK_STREAM && ::listen(fd, kBacklog) != 0)) {
    const Status error = errno_status(cat("listening on ", address, " port ", port), errno);
    ::close(fd);
    return fail(error);
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  return ntohs(storage.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(storage).sin_port
                                            : reinterpret_cast<sockaddr_in6&>(storage).sin6_port);
}

}  // namespace

struct Listeners::Impl {
  Impl(async::IoExecutor& e, Responder& r, ListenerOptions o)
      : executor(e), responder(r), options(o), scope(e) {}

  async::IoExecutor& executor;
  Responder& responder;
  const ListenerOptions options;
  std::vector<std::shared_ptr<net::Socket>> sockets;  // shared with answers that are still to come
  int connections = 0, waiting = 0;
  async::Scope scope;

  // One round of datagrams. False: nothing was there.
  bool serve_batch(const std::shared_ptr<net::Socket>& socket);
  async::Task<void> serve_udp(std::shared_ptr<net::Socket> socket, async::StopToken stop);
  async::Task<void> answer_udp(std::shared_ptr<net::Socket> socket, std::string question, Peer peer,
                               async::StopToken stop);
  async::Task<void> accept_tcp(std::shared_ptr<net::Socket> listener, async::StopToken stop);
  async::Task<void> serve_tcp(std::unique_ptr<net::Socket> socket, async::StopToken stop);
  async::Task<Status> serve_stream(net::Socket& socket, async::StopToken stop);
};

bool Listeners::Impl::serve_batch(const std::shared_ptr<net::Socket>& socket) {
  static thread_local std::array<std::array<char, kMaxQuestion>, kBatch> buffers;
  std::array<Peer, kBatch> peers;
  std::array<iovec, kBatch> data;
  std::array<mmsghdr, kBatch> in{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    data[i] = {buffers[i].data(), buffers[i].size()};
    peers[i].address_size = sizeof peers[i].address;
    peers[i].control_size = peers[i].control.size();
    in[i].msg_hdr = peers[i].header(&data[i]);
  }
  const int count = ::recvmmsg(socket->fd(), in.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return false;
  std::vector<std::string> replies;
  std::array<mmsghdr, kBatch> out{};
  std::array<iovec, kBatch> reply_data;
  replies.reserve(kBatch);
  for (int i = 0; i < count; ++i) {
    peers[i].address_size = in[i].msg_hdr.msg_namelen;
    peers[i].take_control(in[i].msg_hdr);
    if ((in[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
    const std::string_view question(buffers[i].data(), in[i].msg_len);
    auto reply = responder.answer_now(question, false);
    if (!reply) {
      if (waiting >= options.max_waiting) continue;
      ++waiting;
      scope.spawn(answer_udp(socket, std::string(question), peers[i], scope.stop_token()));
    } else if (!reply->empty()) {
      const std::size_t n = replies.size();
      replies.push_back(std::move(*reply));
      reply_data[n] = {replies[n].data(), replies[n].size()};
      out[n].msg_hdr = peers[i].header(&reply_data[n]);
    }
  }
  // What the socket's buffer does not take is lost, as datagrams are; the asker asks again.
  for (unsigned sent = 0; sent < replies.size();) {
    const int n = ::sendmmsg(socket->fd(), out.data() + sent,
                             static_cast<unsigned>(replies.size()) - sent, MSG_DONTWAIT);
    sent += n > 0 ? static_cast<unsigned>(n) : 1U;
  }
  return true;
}

async::Task<void> Listeners::Impl::serve_udp(std::shared_ptr<net::Socket> socket,
                                             async::StopToken stop) {
  const async::StopCallback on_stop(stop, [&socket] { socket->abort(); });
  while (!stop.stop_requested()) {
    if (serve_batch(socket)) {
      co_await async::yield(executor);
    } else {
      co_await socket->readable();
    }
  }
}

async::Task<void> Listeners::Impl::answer_udp(std::shared_ptr<net::Socket> socket,
                                              std::string question, Peer peer,
                                              async::StopToken stop) {
  std::string reply = co_await responder.answer_later(std::move(question), false, stop);
  --waiting;
  if (reply.empty()) co_return;
  iovec data{reply.data(), reply.size()};
  const msghdr header = peer.header(&data);
  ::sendmsg(socket->fd(), &header, MSG_DONTWAIT);
}

async::Task<void> Listeners::Impl::accept_tcp(std::shared_ptr<net::Socket> listener,
                                              async::StopToken stop) {
  const async::StopCallback on_stop(stop, [&listener] { listener->abort(); });
  while (!stop.stop_requested()) {
    const int fd = ::accept4(listener->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0 && connections >= options.max_connections) {
      ::close(fd);
    } else if (fd >= 0) {
      net::set_tcp_options(fd);
      ++connections;
      scope.spawn(serve_tcp(std::make_unique<net::Socket>(executor, fd), scope.stop_token()));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      co_await listener->readable();
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      co_await async::sleep_for(executor, std::chrono::milliseconds(100), stop);
    }
  }
}

async::Task<void> Listeners::Impl::serve_tcp(std::unique_ptr<net::Socket> socket,
                                             async::StopToken stop) {
  const async::StopCallback on_stop(stop, [&socket] { socket->abort(); });
  // How it ended is the peer's affair: it sees the connection close.
  [[maybe_unused]] const Status ended = co_await serve_stream(*socket, stop);
  --connections;
}

async::Task<Status> Listeners::Impl::serve_stream(net::Socket& socket, async::StopToken stop) {
  std::string bytes;
  std::array<char, kMaxQuestion> buffer;
  while (!socket.aborted()) {
    const async::TimerId timer =
        executor.call_at(executor.steady() + options.idle_timeout, [&socket] { socket.abort(); });
    std::size_t length = 0;
    while (!socket.aborted() && (bytes.size() < 2 || bytes.size() < 2 + length)) {
      std::size_t got = 0;
      const auto io = socket.read_some(buffer.data(), buffer.size(), got);
      if (io == net::Socket::Io::kAgain) co_await socket.readable();
      if (io == net::Socket::Io::kEnd || io == net::Socket::Io::kError) {
        executor.cancel(timer);
        co_return Status();
      }
      bytes.append(buffer.data(), got);
      if (bytes.size() >= 2) length = get16(reinterpret_cast<const unsigned char*>(bytes.data()));
    }
    executor.cancel(timer);
    if (socket.aborted()) break;
    const std::string question = bytes.substr(2, length);
    bytes.erase(0, 2 + length);
    auto reply = responder.answer_now(question, true);
    if (!reply) {
      std::string later = co_await responder.answer_later(question, true, stop);
      reply = std::move(later);
    }
    if (reply->empty()) break;
    std::string framed(2, '\0');
    put16(static_cast<unsigned>(reply->size()), reinterpret_cast<unsigned char*>(framed.data()));
    framed += *reply;
    KPP_CO_RETURN_IF_ERROR(co_await socket.write_all(framed, stop));
  }
  co_return Status();
}

Listeners::Listeners(async::IoExecutor& executor, Responder& responder, ListenerOptions options)
    : impl_(std::make_unique<Impl>(executor, responder, options)) {}
Listeners::~Listeners() = default;

Result<std::uint16_t> Listeners::listen(const std::string& address, std::uint16_t port) {
  KPP_ASSIGN(const int tcp, bound_socket(address, port, SOCK_STREAM));
  auto listener = std::make_shared<net::Socket>(impl_->executor, tcp);
  const std::uint16_t chosen = port_of(tcp);
  KPP_ASSIGN(const int udp, bound_socket(address, chosen, SOCK_DGRAM));
  auto datagrams = std::make_shared<net::Socket>(impl_->executor, udp);
  impl_->scope.spawn(impl_->accept_tcp(listener, impl_->scope.stop_token()));
  impl_->scope.spawn(impl_->serve_udp(datagrams, impl_->scope.stop_token()));
  impl_->sockets.push_back(std::move(listener));
  impl_->sockets.push_back(std::move(datagrams));
  return chosen;
}

async::Task<void> Listeners::stop() {
  impl_->scope.request_stop();
  co_await impl_->scope.join();
  impl_->sockets.clear();
}

}  // namespace kpp::dns
