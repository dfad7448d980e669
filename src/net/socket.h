// A connected (or listening) socket with TLS on top if wanted: reads and writes that never block,
// and waiting.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/executor.h"
#include "async/stop.h"
#include "async/task.h"
#include "net/http.h"
#include "net/tls.h"

namespace kpp::net {

// Ownership: owns the descriptor; closes it at once when destroyed.
// Runs on: its executor only. One waiter for each direction at a time.
class Socket {
 public:
  enum class Io {
    kDone,   // some bytes went
    kAgain,  // wait first
    kEnd,    // the peer sends no more
    kError,
  };

  // Takes a non-blocking descriptor.
  Socket(async::IoExecutor& executor, int fd);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // The handshake; abort() ends it.
  async::Task<Status> accept_tls(std::shared_ptr<const TlsContext> context);
  async::Task<Status> connect_tls(std::shared_ptr<const TlsContext> context,
                                  std::string server_name);

  Io read_some(char* data, std::size_t capacity, std::size_t& size);
  Io write_some(const char* data, std::size_t size, std::size_t& written);
  // True if a read may find bytes that the kernel does not know of any more.
  bool holds_bytes() const;

  struct Wait {
    Socket& socket;
    bool for_write;
    bool await_ready() const;
    void await_suspend(std::coroutine_handle<> waiting);
    void await_resume() const {}
  };
  // Waits until a read (a write) is worth trying, or wake_all() or abort() was called: try again
  // and see.
  Wait readable() { return {*this, false}; }
  Wait writable() { return {*this, true}; }
  void wake_all();
  // Calls back once, from the executor's loop, when a read (a write) is worth trying. Another call
  // replaces it.
  void on_readable(std::move_only_function<void()> callback);
  void on_writable(std::move_only_function<void()> callback);
  void forget_callbacks();

  // All bytes; an error if the connection broke or the stop came first.
  async::Task<Status> write_all(std::string_view bytes, async::StopToken stop);

  // Says goodbye in our direction; the other goes on.
  void close_write();
  // Ends both directions; all waits end.
  void abort();
  bool aborted() const;

  int fd() const;
  bool is_http2() const;  // what the handshake agreed on
  std::optional<PeerCertificate> peer_certificate() const;
  // What went wrong last, for a person.
  std::string last_error() const;
  // The peer spoke plain HTTP to a TLS port.
  bool got_plain_http() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // shared with waits in the reactor
};

// A socket as the stream of an upgraded connection; `already_read` comes first.
std::unique_ptr<ByteStream> make_byte_stream(std::unique_ptr<Socket> socket,
                                             std::string already_read);

// Non-blocking, close-on-exec, without delay, with keep-alive probes that find a dead peer within a
// minute.
void set_tcp_options(int fd);

}  // namespace kpp::net
