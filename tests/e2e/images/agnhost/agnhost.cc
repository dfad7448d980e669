// What the tests use of the agnhost image: `netexec`, `liveness`, `grpc-health-checking` and
// `pause`. A static program, so that its image needs nothing else.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

int listen_on(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd, 64) != 0)
    std::exit(1);
  return fd;
}

void serve(int port, const std::function<void(int)>& connection) {
  const int listener = listen_on(port);
  for (;;) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    std::thread([connection, fd] {
      connection(fd);
      ::close(fd);
    }).detach();
  }
}

bool send_all(int fd, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

bool read_exactly(int fd, std::string& out, std::size_t size) {
  out.resize(size);
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::read(fd, out.data() + have, size - have);
    if (n <= 0) return false;
    have += static_cast<std::size_t>(n);
  }
  return true;
}

struct Answer {
  int status = 200;
  std::string body;
  std::string location;
};

void http_connection(int fd, const std::function<Answer(const std::string& target)>& handler) {
  std::string request;
  char buffer[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0 || request.size() > 65536) return;
    request.append(buffer, static_cast<std::size_t>(n));
  }
  const std::size_t from = request.find(' ') + 1;
  const Answer answer = handler(request.substr(from, request.find(' ', from) - from));
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) +
                     (answer.status == 200 ? " OK" : " Other") + "\r\n";
  if (!answer.location.empty())
    text += "Location: " + answer.location + "\r\nContent-Type: text/html; charset=utf-8\r\n";
  text += "Connection: close\r\nContent-Length: " + std::to_string(answer.body.size()) +
          "\r\n\r\n" + answer.body;
  send_all(fd, text);
}

std::string query_value(const std::string& target, const std::string& name) {
  const std::size_t question = target.find('?');
  if (question == std::string::npos) return {};
  std::size_t from = question + 1;
  while (from < target.size()) {
    std::size_t to = target.find('&', from);
    if (to == std::string::npos) to = target.size();
    const std::string part = target.substr(from, to - from);
    if (part.starts_with(name + "=")) return part.substr(name.size() + 1);
    from = to + 1;
  }
  return {};
}

Answer netexec(const std::string& target) {
  const std::string path = target.substr(0, target.find('?'));
  if (path == "/redirect") {
    Answer out;
    out.location = query_value(target, "location");
    out.status = std::atoi(query_value(target, "code").c_str());
    if (out.status == 0) out.status = 302;
    out.body = "<a href=\"" + out.location + "\">Found</a>.\n\n";
    return out;
  }
  if (path == "/" || path == "/healthz") return {};
  return {404, "404 page not found\n", {}};
}

// gRPC health over HTTP/2, as little as its clients need.
std::string frame(int type, int flags, std::uint32_t stream, const std::string& payload) {
  std::string out;
  for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(stream >> shift);
  return out + payload;
}

void grpc_connection(int fd, const std::atomic<bool>& serving) {
  constexpr int kData = 0, kHeaders = 1, kSettings = 4, kPing = 6, kAck = 1, kEndStream = 1,
                kEndHeaders = 4;
  std::string bytes;
  if (!read_exactly(fd, bytes, std::strlen("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))) return;
  if (!send_all(fd, frame(kSettings, 0, 0, {}))) return;
  for (;;) {
    std::string head, payload;
    if (!read_exactly(fd, head, 9)) return;
    const auto octet = [&head](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(head[i]));
    };
    if (!read_exactly(fd, payload, octet(0) << 16 | octet(1) << 8 | octet(2))) return;
    const int type = static_cast<int>(octet(3));
    const int flags = static_cast<int>(octet(4));
    const std::uint32_t stream =
        (octet(5) & 0x7f) << 24 | octet(6) << 16 | octet(7) << 8 | octet(8);
    if (type == kSettings && (flags & kAck) == 0) send_all(fd, frame(kSettings, kAck, 0, {}));
    if (type == kPing && (flags & kAck) == 0) send_all(fd, frame(kPing, kAck, 0, payload));
    if ((type == kData || type == kHeaders) && (flags & kEndStream) != 0) {
      const std::string type_name = "application/grpc";
      std::string headers = "\x88\x0f\x10";
      headers += static_cast<char>(type_name.size());
      headers += type_name;
      std::string message("\0\0\0\0\x02\x08", 6);
      message += serving ? '\x01' : '\x02';
      std::string trailers("\0\x0bgrpc-status\x01", 14);
      trailers += '0';
      send_all(fd, frame(kHeaders, kEndHeaders, stream, headers) +
                       frame(kData, 0, stream, message) +
                       frame(kHeaders, kEndHeaders | kEndStream, stream, trailers));
    }
  }
}

int port_of(const std::vector<std::string>& words, const std::string& flag, int otherwise) {
  for (const auto& word : words) {
    if (word.starts_with("--" + flag + "=")) return std::atoi(word.c_str() + flag.size() + 3);
  }
  return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, [](int) { ::_exit(2); });  // as a Go program that is process 1
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string command = words.empty() ? "pause" : words[0];
  if (command == "netexec") {
    serve(port_of(words, "http-port", 8080), [](int fd) { http_connection(fd, netexec); });
  } else if (command == "liveness") {
    const auto start = std::chrono::steady_clock::now();
    serve(8080, [start](int fd) {
      http_connection(fd, [start](const std::string&) -> Answer {
        if (std::chrono::steady_clock::now() - start > std::chrono::seconds(10))
          return {500, "error: 10 s are over", {}};
        return {200, "ok", {}};
      });
    });
  } else if (command == "grpc-health-checking") {
    static std::atomic<bool> serving{true};
    std::thread([&words] {
      serve(port_of(words, "http-port", 8080), [](int fd) {
        http_connection(fd, [](const std::string& target) -> Answer {
          if (target == "/make-serving") serving = true;
          if (target == "/make-not-serving") serving = false;
          return {};
        });
      });
    }).detach();
    serve(port_of(words, "port", 5000), [](int fd) { grpc_connection(fd, serving); });
  } else if (command == "pause") {
    ::pause();
  } else {
    return 2;
  }
}
