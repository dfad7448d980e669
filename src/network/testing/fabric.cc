#include "network/testing/fabric.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "linux/links.h"

namespace kpp::network::testing {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::string_view kWord = "hello";

sockaddr_in endpoint(const std::string& address, std::uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  KPP_CHECK(::inet_pton(AF_INET, address.c_str(), &out.sin_addr) == 1, address);
  return out;
}

bool wait_for(int fd, short events, Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  pollfd poll{fd, events, 0};
  return ::poll(&poll, 1, std::max(0, static_cast<int>(left.count()))) == 1;
}

// Sends the word and waits for it to come back.
bool echo(int fd, Clock::time_point end) {
  if (::send(fd, kWord.data(), kWord.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(kWord.size()))
    return false;
  std::array<char, 64> buffer;
  if (!wait_for(fd, POLLIN, end)) return false;
  return ::recv(fd, buffer.data(), buffer.size(), 0) == static_cast<ssize_t>(kWord.size());
}

sys::Fd open_connection(const Net& from, int type, const std::string& address, std::uint16_t port,
                        Clock::time_point end) {
  sys::Fd fd;
  from.within([&] { fd = sys::Fd(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); });
  KPP_CHECK(fd.valid(), "socket");
  const sockaddr_in to = endpoint(address, port);
  const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (result != 0 && (errno != EINPROGRESS || !wait_for(fd.get(), POLLOUT, end))) return {};
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return {};
  return fd;
}

}  // namespace

Net::Net() {
  std::thread([this] {
    KPP_CHECK(::unshare(CLONE_NEWNET) == 0, "unshare; are you root?");
    fd_ = sys::Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }).join();
  auto set = sys::NamespaceSet::network_at(path());
  KPP_CHECK(set.has_value(), set.error().message());
  set_ = std::make_unique<sys::NamespaceSet>(std::move(*set));
  ip({"link set lo up"});
}

void Net::within(const std::function<void()>& body) const {
  std::thread([&] {
    KPP_CHECK(::setns(fd_.get(), CLONE_NEWNET) == 0, "setns");
    body();
  }).join();
}

void Net::ip(const std::vector<std::string>& lines) const {
  const Status done = sys::run_ip(lines, place());
  KPP_CHECK(done.ok(), done.message());
}

std::string Net::run(std::vector<std::string> argv) const {
  sys::ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.place = place();
  auto out = sys::run_checked(spec);
  KPP_CHECK(out.has_value(), out.error().message());
  return std::move(*out);
}

sys::ProcessPlace Net::place() const {
  sys::ProcessPlace out;
  out.namespaces = set_.get();
  return out;
}

std::string Net::path() const { return cat("/proc/", ::getpid(), "/fd/", fd_.get()); }

struct EchoServer::State {
  sys::Fd fd;
  int type = 0;
  std::atomic<bool> ended = false;
  std::mutex mutex;
  std::string peer;
  std::vector<std::thread> threads;

  void note(const sockaddr_in& from) {
    const std::scoped_lock lock(mutex);
    peer = sys::ipv4_text(ntohl(from.sin_addr.s_addr));
  }
  // Threads look up twice a second whether the test is over.
  bool comes(int socket) {
    while (!ended) {
      if (wait_for(socket, POLLIN, Clock::now() + std::chrono::milliseconds(50))) return true;
    }
    return false;
  }
  void serve_datagrams() {
    std::array<char, 2048> buffer;
    while (comes(fd.get())) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t n = ::recvfrom(fd.get(), buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 0) continue;
      note(from);
      (void)::sendto(fd.get(), buffer.data(), static_cast<std::size_t>(n), 0,
                     reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  void serve_connections() {
    while (comes(fd.get())) {
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const int peer_fd =
          ::accept4(fd.get(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC);
      if (peer_fd < 0) continue;
      note(from);
      threads.emplace_back([this, peer_fd] {
        const sys::Fd connection(peer_fd);
        std::array<char, 2048> buffer;
        while (comes(peer_fd)) {
          const ssize_t n = ::recv(peer_fd, buffer.data(), buffer.size(), 0);
          if (n <= 0) return;
          (void)::send(peer_fd, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL);
        }
      });
    }
  }
};

EchoServer::EchoServer(const Net& net, int type, std::uint16_t port)
    : state_(std::make_unique<State>()) {
  state_->type = type;
  net.within([&] {
    state_->fd = sys::Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    const sockaddr_in any = endpoint("0.0.0.0", port);
    KPP_CHECK(::bind(state_->fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0,
              "bind");
    if (type == SOCK_STREAM) KPP_CHECK(::listen(state_->fd.get(), 64) == 0, "listen");
  });
  state_->threads.reserve(1024);
  state_->threads.emplace_back([this] {
    state_->type == SOCK_STREAM ? state_->serve_connections() : state_->serve_datagrams();
  });
}

EchoServer::~EchoServer() {
  state_->ended = true;
  state_->threads.front().join();
  for (std::size_t i = 1; i < state_->threads.size(); ++i) state_->threads[i].join();
}

std::string EchoServer::last_peer() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->peer;
}

bool reaches(const Net& from, int type, const std::string& address, std::uint16_t port,
             std::chrono::milliseconds within) {
  const auto end = Clock::now() + within;
  const sys::Fd fd = open_connection(from, type, address, port, end);
  return fd.valid() && echo(fd.get(), end);
}

bool passes_whole(const Net& from, const std::string& address, std::uint16_t port,
                  std::size_t size) {
  const auto end = Clock::now() + std::chrono::milliseconds(500);
  const sys::Fd fd = open_connection(from, SOCK_DGRAM, address, port, end);
  const int never_cut = IP_PMTUDISC_DO;
  ::setsockopt(fd.get(), IPPROTO_IP, IP_MTU_DISCOVER, &never_cut, sizeof never_cut);
  std::string bytes(size, 'x');
  if (::send(fd.get(), bytes.data(), size, 0) != static_cast<ssize_t>(size)) return false;
  return wait_for(fd.get(), POLLIN, end) &&
         ::recv(fd.get(), bytes.data(), size, 0) == static_cast<ssize_t>(size);
}

bool soon(const std::function<bool()>& is_so) {
  const auto end = Clock::now() + std::chrono::seconds(2);
  while (Clock::now() < end) {
    if (is_so()) return true;
    ::poll(nullptr, 0, 10);
  }
  return false;
}

Stream::Stream(const Net& from, const std::string& address, std::uint16_t port)
    : fd_(open_connection(from, SOCK_STREAM, address, port,
                          Clock::now() + std::chrono::seconds(1))) {}

bool Stream::echoes(std::chrono::milliseconds within) {
  return echo(fd_.get(), Clock::now() + within);
}

void plug(const Net& guest, const std::string& name, const Net& host, const std::string& bridge,
          const std::string& host_link, int mtu) {
  host.ip({cat("link add ", host_link, " mtu ", mtu, " type veth peer name ", name, " mtu ", mtu,
               " netns ", guest.path()),
           cat("link set ", host_link, " master ", bridge),
           cat("link set ", host_link, " type bridge_slave hairpin on"),
           cat("link set ", host_link, " up")});
  guest.ip({cat("link set ", name, " up")});
}

}  // namespace kpp::network::testing
