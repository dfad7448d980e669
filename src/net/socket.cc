#include "net/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>

#include "net/openssl_text.h"

namespace kpp::net {

namespace asio = boost::asio;

namespace {

// One direction: who waits, and whether the reactor is asked already.
struct Side {
  bool armed = false;
  bool ready = false;        // woken before anybody waited
  bool wants_other = false;  // TLS needs the other direction first
  std::coroutine_handle<> waiting;
  std::move_only_function<void()> callback;

  void fire() {
    if (waiting) {
      std::exchange(waiting, nullptr).resume();
    } else if (callback) {
      auto call = std::exchange(callback, nullptr);
      call();
    }
  }
};

// What one write gathers before it goes to the kernel.
constexpr std::size_t kGathered = 128 << 10;
constexpr std::size_t kKeptRecords = 4 << 10;

// The way of TLS records to the kernel. Those of one write go out together.
struct Outgoing {
  int fd = -1;
  bool gathering = false;
  std::string records;       // on their way
  std::size_t sent = 0;      // of the records
  std::size_t accepted = 0;  // bytes of the caller that they hold, not reported to it yet
};

// The bytes under TLS: as OpenSSL's own socket BIO, but a peer that went away raises no signal.
int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  Outgoing& out = *static_cast<Outgoing*>(BIO_get_data(bio));
  const std::string_view record(data, static_cast<std::size_t>(size));
  // Records keep their order: none goes past those that wait.
  if (out.gathering || !out.records.empty()) {
    out.records.append(record);
    return size;
  }
  const ssize_t n = ::send(out.fd, data, record.size(), MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::recv(static_cast<Outgoing*>(BIO_get_data(bio))->fd, data,
                           static_cast<std::size_t>(size), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(n);
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

const BIO_METHOD* bio_method() {
  static const BIO_METHOD* const kMethod = [] {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kpp socket");
    BIO_meth_set_write(method, &bio_write);
    BIO_meth_set_read(method, &bio_read);
    BIO_meth_set_ctrl(method, &bio_control);
    return method;
  }();
  return kMethod;
}

SSL* new_tls(const TlsContext& context, Outgoing& out) {
  SSL* const ssl = SSL_new(reinterpret_cast<SSL_CTX*>(context.native()));
  if (ssl == nullptr) return nullptr;
  BIO* const bio = BIO_new(bio_method());
  BIO_set_data(bio, &out);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return ssl;
}

}  // namespace

struct Socket::Core : std::enable_shared_from_this<Core> {
  Core(async::IoExecutor& e, int descriptor_number)
      : executor(e), descriptor(e.context()), fd(descriptor_number) {
    boost::system::error_code failed;
    out.fd = fd;
    descriptor.assign(fd, failed);
    if (failed) broken = true;
  }
  ~Core() {
    if (ssl != nullptr) SSL_free(ssl);
  }

  async::IoExecutor& executor;
  asio::posix::stream_descriptor descriptor;
  const int fd;
  SSL* ssl = nullptr;
  Outgoing out;
  std::shared_ptr<const TlsContext> context;
  Side read;
  Side write;
  bool aborted = false;
  bool broken = false;  // the reactor did not take the descriptor, or TLS failed
  bool plain_http = false;
  std::string error;

  void arm(bool for_write) {
    Side& side = for_write ? write : read;
    const bool wait_for_write = for_write != side.wants_other;
    if (side.armed) return;
    if (broken || aborted) {
      executor.post([self = shared_from_this(), for_write] {
        (for_write ? self->write : self->read).fire();
      });
      return;
    }
    side.armed = true;
    descriptor.async_wait(wait_for_write ? asio::posix::stream_descriptor::wait_write
                                         : asio::posix::stream_descriptor::wait_read,
                          [self = shared_from_this(), for_write](const boost::system::error_code&) {
                            Side& fired = for_write ? self->write : self->read;
                            fired.armed = false;
                            fired.wants_other = false;
                            fired.fire();
                          });
  }

  // Hands gathered records to the kernel; kAgain while some are left.
  Io send_records() {
    while (out.sent < out.records.size()) {
      const ssize_t n =
          ::send(fd, out.records.data() + out.sent, out.records.size() - out.sent, MSG_NOSIGNAL);
      if (n >= 0) {
        out.sent += static_cast<std::size_t>(n);
      } else if (errno == EAGAIN) {
        write.wants_other = false;
        return Io::kAgain;
      } else if (errno != EINTR) {
        error = std::strerror(errno);
        broken = true;
        return Io::kError;
      }
    }
    out.records.clear();
    out.sent = 0;
    // Idle connections keep no memory.
    if (out.records.capacity() > kKeptRecords) std::string().swap(out.records);
    return Io::kDone;
  }

  // As SSL_write: after kAgain the same bytes must be given again.
  Io write_tls(const char* data, std::size_t size, std::size_t& written) {
    if (const Io io = send_records(); io != Io::kDone) return io;
    if (out.accepted == 0) {
      ERR_clear_error();
      errno = 0;
      out.gathering = true;
      int result = 1;
      while (result == 1 && out.accepted < size && out.records.size() < kGathered) {
        std::size_t n = 0;
        result = SSL_write_ex(ssl, data + out.accepted, size - out.accepted, &n);
        out.accepted += n;
      }
      out.gathering = false;
      if (result != 1) {
        const Io io = tls_result(result, true);
        if (out.accepted == 0 || io == Io::kError) return io;
      }
      if (const Io io = send_records(); io != Io::kDone) return io;
    }
    written = std::exchange(out.accepted, 0);
    return Io::kDone;
  }

  Io tls_result(int result, bool for_write) {
    Side& side = for_write ? write : read;
    const int code = SSL_get_error(ssl, result);
    switch (code) {
      case SSL_ERROR_WANT_READ:
        side.wants_other = for_write;
        return Io::kAgain;
      case SSL_ERROR_WANT_WRITE:
        side.wants_other = !for_write;
        return Io::kAgain;
      case SSL_ERROR_ZERO_RETURN:
        return Io::kEnd;
      case SSL_ERROR_SYSCALL:
        error = errno != 0 && errno != EAGAIN ? std::strerror(errno) : "connection closed";
        ERR_clear_error();
        break;
      default: {
        const int reason = ERR_GET_REASON(ERR_peek_last_error());
        plain_http = reason == SSL_R_HTTP_REQUEST;
        const long verified = SSL_get_verify_result(ssl);
        error = openssl_error_text();
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK) {
          error = cat(error, ": ", X509_verify_cert_error_string(verified));
        }
      }
    }
    broken = true;
    return Io::kError;
  }
};

Socket::Socket(async::IoExecutor& executor, int fd) : core_(std::make_shared<Core>(executor, fd)) {}

Socket::~Socket() {
  forget_callbacks();
  if (core_->ssl != nullptr && !core_->broken && !core_->aborted) {
    ERR_clear_error();
    SSL_shutdown(core_->ssl);
    ERR_clear_error();
  }
  core_->aborted = true;
  boost::system::error_code ignored;
  core_->descriptor.close(ignored);
}

Socket::Io Socket::read_some(char* data, std::size_t capacity, std::size_t& size) {
  size = 0;
  if (core_->broken) return Io::kError;
  if (core_->ssl != nullptr) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_read_ex(core_->ssl, data, capacity, &size);
    return result == 1 ? Io::kDone : core_->tls_result(result, false);
  }
  for (;;) {
    const ssize_t n = ::recv(core_->fd, data, capacity, 0);
    if (n > 0) {
      size = static_cast<std::size_t>(n);
      return Io::kDone;
    }
    if (n == 0) return Io::kEnd;
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return Io::kAgain;
    core_->error = std::strerror(errno);
    return Io::kError;
  }
}

Socket::Io Socket::write_some(const char* data, std::size_t size, std::size_t& written) {
  written = 0;
  if (core_->broken || core_->aborted) return Io::kError;
  if (core_->ssl != nullptr) {
    return core_->write_tls(data, size, written);
  }
  for (;;) {
    const ssize_t n = ::send(core_->fd, data, size, MSG_NOSIGNAL);
    if (n >= 0) {
      written = static_cast<std::size_t>(n);
      return Io::kDone;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return Io::kAgain;
    core_->error = std::strerror(errno);
    return Io::kError;
  }
}

bool Socket::holds_bytes() const {
  return core_->ssl != nullptr && SSL_has_pending(core_->ssl) == 1;
}

bool Socket::Wait::await_ready() const {
  Side& side = for_write ? socket.core_->write : socket.core_->read;
  return std::exchange(side.ready, false);
}

void Socket::Wait::await_suspend(std::coroutine_handle<> waiting) {
  Core& core = *socket.core_;
  Side& side = for_write ? core.write : core.read;
  side.waiting = waiting;
  core.arm(for_write);
}

void Socket::wake_all() {
  for (Side* side : {&core_->read, &core_->write}) {
    if (side->waiting) {
      core_->executor.post([waiting = std::exchange(side->waiting, nullptr)] { waiting.resume(); });
    } else if (side->callback) {
      core_->executor.post([self = core_, side] { side->fire(); });
    } else {
      side->ready = true;
    }
  }
}

void Socket::on_readable(std::move_only_function<void()> callback) {
  core_->read.callback = std::move(callback);
  core_->arm(false);
}

void Socket::on_writable(std::move_only_function<void()> callback) {
  core_->write.callback = std::move(callback);
  core_->arm(true);
}

void Socket::forget_callbacks() {
  core_->read.callback = nullptr;
  core_->write.callback = nullptr;
}

async::Task<Status> Socket::accept_tls(std::shared_ptr<const TlsContext> context) {
  core_->context = context;
  core_->ssl = new_tls(*context, core_->out);
  if (core_->ssl == nullptr) co_return openssl_error("TLS");
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_accept(core_->ssl);
    if (result == 1) co_return Status();
    if (core_->aborted) co_return Status(Reason::kIo, "TLS handshake: aborted");
    const Io io = core_->tls_result(result, false);
    if (io != Io::kAgain) co_return Status(Reason::kIo, cat("TLS handshake: ", core_->error));
    co_await readable();
  }
}

async::Task<Status> Socket::connect_tls(std::shared_ptr<const TlsContext> context,
                                        std::string server_name) {
  core_->context = context;
  core_->ssl = new_tls(*context, core_->out);
  if (core_->ssl == nullptr) co_return openssl_error("TLS");
  unsigned char address[sizeof(in6_addr)];
  const bool is_address = ::inet_pton(AF_INET, server_name.c_str(), address) == 1 ||
                          ::inet_pton(AF_INET6, server_name.c_str(), address) == 1;
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(core_->ssl), server_name.c_str());
  } else {
    SSL_set1_host(core_->ssl, server_name.c_str());
    SSL_set_tlsext_host_name(core_->ssl, server_name.c_str());
  }
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_connect(core_->ssl);
    if (result == 1) co_return Status();
    if (core_->aborted) co_return Status(Reason::kServiceUnavailable, "TLS handshake: aborted");
    const Io io = core_->tls_result(result, false);
    if (io != Io::kAgain)
      co_return Status(Reason::kServiceUnavailable, cat("TLS handshake: ", core_->error));
    co_await readable();
  }
}

async::Task<Status> Socket::write_all(std::string_view bytes, async::StopToken stop) {
  const async::StopCallback on_stop(stop, [this] { wake_all(); });
  while (!bytes.empty()) {
    std::size_t written = 0;
    const Io io = write_some(bytes.data(), bytes.size(), written);
    bytes.remove_prefix(written);
    if (io == Io::kDone) continue;
    if (io != Io::kAgain) co_return Status(Reason::kIo, cat("write: ", last_error()));
    if (stop.stop_requested()) co_return Status(Reason::kCanceled, "stopped while writing");
    co_await writable();
  }
  co_return Status();
}

void Socket::close_write() {
  if (core_->aborted || core_->broken) return;
  if (core_->ssl != nullptr) {
    ERR_clear_error();
    SSL_shutdown(core_->ssl);
    ERR_clear_error();
  }
  ::shutdown(core_->fd, SHUT_WR);
}

void Socket::abort() {
  if (core_->aborted) return;
  core_->aborted = true;
  ::shutdown(core_->fd, SHUT_RDWR);
  wake_all();
}

bool Socket::aborted() const { return core_->aborted; }
int Socket::fd() const { return core_->fd; }
bool Socket::got_plain_http() const { return core_->plain_http; }

std::string Socket::last_error() const {
  if (core_->aborted) return "connection aborted";
  return core_->error.empty() ? "connection closed" : core_->error;
}

bool Socket::is_http2() const {
  if (core_->ssl == nullptr) return false;
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(core_->ssl, &name, &size);
  return size == 2 && std::memcmp(name, "h2", 2) == 0;
}

std::optional<PeerCertificate> Socket::peer_certificate() const {
  if (core_->ssl == nullptr) return {};
  const X509* const certificate = SSL_get0_peer_certificate(core_->ssl);
  if (certificate == nullptr) return {};
  PeerCertificate out;
  out.verified = SSL_get_verify_result(core_->ssl) == X509_V_OK;
  read_subject(certificate, out.common_name, out.organizations);
  out.of_proxy = core_->context && core_->context->is_of_proxy(certificate);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) == 1) out.sha256 = hex(digest, size);
  return out;
}

void set_tcp_options(int fd) {
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

namespace {

class SocketStream final : public ByteStream {
 public:
  SocketStream(std::unique_ptr<Socket> socket, std::string already_read)
      : socket_(std::move(socket)), already_read_(std::move(already_read)) {}

  async::Task<Result<std::string>> read(async::StopToken stop) override {
    if (!already_read_.empty()) co_return std::exchange(already_read_, {});
    const async::StopCallback on_stop(stop, [this] { socket_->wake_all(); });
    for (;;) {
      if (socket_->aborted()) co_return fail(Reason::kIo, "stream aborted");
      std::string bytes;
      const Socket::Io io = fill(bytes);
      if (io == Socket::Io::kDone) co_return bytes;
      if (io == Socket::Io::kEnd) co_return std::string();
      if (io == Socket::Io::kError)
        co_return fail(Reason::kIo, cat("read: ", socket_->last_error()));
      if (stop.stop_requested()) co_return fail(Reason::kCanceled, "stopped while reading");
      co_await socket_->readable();
    }
  }

  async::Task<Status> write(std::string bytes, async::StopToken stop) override {
    co_return co_await socket_->write_all(bytes, std::move(stop));
  }

  async::Task<void> close_write() override {
    socket_->close_write();
    co_return;
  }

  void abort() override { socket_->abort(); }

 private:
  Socket::Io fill(std::string& bytes) {
    char buffer[16384];
    std::size_t size = 0;
    const Socket::Io io = socket_->read_some(buffer, sizeof buffer, size);
    bytes.assign(buffer, size);
    return io;
  }

  std::unique_ptr<Socket> socket_;
  std::string already_read_;
};

}  // namespace

std::unique_ptr<ByteStream> make_byte_stream(std::unique_ptr<Socket> socket,
                                             std::string already_read) {
  return std::make_unique<SocketStream>(std::move(socket), std::move(already_read));
}

}  // namespace kpp::net
