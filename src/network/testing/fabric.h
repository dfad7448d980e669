// For tests as root: machines and pods made of network namespaces that nobody else sees, and that
// end with the test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "linux/fd.h"
#include "linux/namespaces.h"
#include "linux/process.h"

namespace kpp::network::testing {

// A network namespace with its loopback up.
class Net {
 public:
  Net();

  // Runs in it, on a thread of its own; descriptors that are opened there belong to it for good.
  void within(const std::function<void()>& body) const;
  // Lines of ip(8). A line that fails ends the test.
  void ip(const std::vector<std::string>& lines) const;
  // Any program; what it wrote. An exit code other than 0 ends the test.
  std::string run(std::vector<std::string> argv) const;
  sys::ProcessPlace place() const;
  // As ip(8) takes it: "link set eth0 netns PATH".
  std::string path() const;

 private:
  sys::Fd fd_;
  std::unique_ptr<sys::NamespaceSet> set_;
};

// A TCP (SOCK_STREAM) or UDP (SOCK_DGRAM) socket that answers every datagram, or takes every
// connection and sends back what comes.
class EchoServer {
 public:
  EchoServer(const Net& net, int type, std::uint16_t port);
  ~EchoServer();
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  // The address that the last peer had.
  std::string last_peer() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether a word that is sent from there comes back, within the time.
bool reaches(const Net& from, int type, const std::string& address, std::uint16_t port,
             std::chrono::milliseconds within = std::chrono::milliseconds(400));

// Whether a datagram of this size goes there and back without being cut into fragments.
bool passes_whole(const Net& from, const std::string& address, std::uint16_t port,
                  std::size_t size);

// Looks again every few milliseconds until it is so; false after two seconds.
bool soon(const std::function<bool()>& is_so);

// A connection that is held, word for word.
class Stream {
 public:
  Stream(const Net& from, const std::string& address, std::uint16_t port);
  bool connected() const { return fd_.valid(); }
  // True if a word comes back within the time.
  bool echoes(std::chrono::milliseconds within = std::chrono::milliseconds(2000));

 private:
  sys::Fd fd_;
};

// Joins a new link `name` of a namespace to a bridge of another one.
void plug(const Net& guest, const std::string& name, const Net& host, const std::string& bridge,
          const std::string& host_link, int mtu);

}  // namespace kpp::network::testing
