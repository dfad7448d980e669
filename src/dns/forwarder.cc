#include "dns/forwarder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "async/wait.h"
#include "base/ids.h"
#include "dns/response_cache.h"
#include "dns/wire_numbers.h"
#include "net/dial.h"
#include "net/socket.h"

namespace kpp::dns {
namespace {

constexpr Duration kGiveUp = std::chrono::seconds(5);
constexpr Duration kTryTimeout = std::chrono::seconds(2);
constexpr std::size_t kMaxMessage = 65535;

std::uint16_t random_id() {
  const std::string bytes = random_bytes(2);
  std::uint16_t id;
  std::memcpy(&id, bytes.data(), sizeof id);
  return id;
}

socklen_t socket_address(const Upstream& upstream, sockaddr_storage& out) {
  out = {};
  auto& v4 = reinterpret_cast<sockaddr_in&>(out);
  if (inet_pton(AF_INET, upstream.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(upstream.port);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  if (inet_pton(AF_INET6, upstream.address.c_str(), &v6.sin6_addr) != 1) return 0;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(upstream.port);
  return sizeof v6;
}

// Wakes a socket's waits when the time is over or a stop is asked for.
class Deadline {
 public:
  Deadline(async::Executor& executor, net::Socket& socket, TimePoint when,
           const async::StopToken& stop)
      : executor_(executor), on_stop_(stop, [&socket] { socket.abort(); }) {
    timer_ = executor_.call_at(when, [this, &socket] {
      passed_ = true;
      socket.abort();
    });
  }
  ~Deadline() {
    if (!passed_) executor_.cancel(timer_);
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  async::Executor& executor_;
  async::StopCallback on_stop_;
  async::TimerId timer_ = 0;
  bool passed_ = false;
};

bool answers(std::string_view message, std::uint16_t id, const Query& query) {
  const auto facts = parse_answer(message);
  return facts && facts->id == id && facts->folded == query.folded && facts->type == query.type &&
         facts->klass == query.klass;
}

}  // namespace

Result<Upstream> Upstream::parse(std::string_view text) {
  Upstream out;
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos)
      return fail(Reason::kInvalid, cat("\"", text, "\" is no address"));
    host = text.substr(1, end - 1);
    if (end + 1 < text.size() && text[end + 1] == ':') port = text.substr(end + 2);
  } else if (const auto colon = text.find(':');
             colon != std::string_view::npos &&
             text.find(':', colon + 1) == std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  out.address = host;
  sockaddr_storage storage;
  if (socket_address(out, storage) == 0)
    return fail(Reason::kInvalid, cat("\"", text, "\" is no address of a name server"));
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port == 0) {
      return fail(Reason::kInvalid, cat("\"", text, "\": the port is no number from 1 to 65535"));
    }
  }
  return out;
}

std::string Upstream::to_string() const {
  return address.find(':') == std::string::npos ? cat(address, ":", port)
                                                : cat("[", address, "]:", port);
}

// A question on its way, and those who wait for its answer.
struct Forwarder::Flight {
  explicit Flight(async::Executor& executor) : done(executor) {}
  async::Event done;
  std::optional<Result<std::string>> answer;
};

Forwarder::Forwarder(async::IoExecutor& executor, std::vector<Upstream> upstreams,
                     ForwardOptions options)
    : executor_(executor), upstreams_(std::move(upstreams)), options_(std::move(options)) {}
Forwarder::~Forwarder() = default;

std::size_t Forwarder::first_upstream() {
  switch (options_.policy) {
    case ForwardOptions::Policy::kSequential:
      return 0;
    case ForwardOptions::Policy::kRoundRobin:
      return next_++ % upstreams_.size();
    case ForwardOptions::Policy::kRandom:
      return random_id() % upstreams_.size();
  }
  return 0;
}

async::Task<Result<std::string>> Forwarder::ask(std::string message, Query query, bool tcp,
                                                async::StopToken stop) {
  // The case of a name differs from asker to asker on purpose (0x20), so the answer to another's
  // spelling is no answer.
  const std::string key = cat(ResponseCache::key(query), "/", query.name, tcp ? "/tcp" : "");
  const std::uint16_t id = query.id;
  if (const auto found = flights_.find(key); found != flights_.end()) {
    const auto flight = found->second;
    const bool arrived = co_await flight->done.wait(stop);
    if (!arrived) co_return fail(Reason::kCanceled, "stopped");
    Result<std::string> answer = *flight->answer;
    if (answer) put16(id, reinterpret_cast<unsigned char*>(answer->data()));
    co_return answer;
  }
  if (options_.max_concurrent > 0 && running_ >= options_.max_concurrent) {
    co_return fail(Reason::kTooManyRequests,
                   "more questions to upstream servers at once than max_concurrent allows");
  }
  const auto flight = std::make_shared<Flight>(executor_);
  flights_.emplace(key, flight);
  ++running_;
  Result<std::string> answer =
      co_await try_all(std::move(message), std::move(query), tcp, std::move(stop));
  --running_;
  flights_.erase(key);
  flight->answer = answer;
  flight->done.set();
  if (answer) put16(id, reinterpret_cast<unsigned char*>(answer->data()));
  co_return answer;
}

async::Task<Result<std::string>> Forwarder::try_all(std::string message, Query query, bool tcp,
                                                    async::StopToken stop) {
  if (upstreams_.empty())
    co_return fail(Reason::kServiceUnavailable, "no upstream name server is known");
  const TimePoint give_up = executor_.steady() + kGiveUp;
  Status last(Reason::kServiceUnavailable, "no upstream name server answered");
  const std::size_t first = first_upstream();
  for (std::size_t i = 0;
       executor_.steady() < give_up && !stop.stop_requested() && i < 2 * upstreams_.size(); ++i) {
    const Upstream& upstream = upstreams_[(first + i) % upstreams_.size()];
    const TimePoint deadline = std::min(give_up, executor_.steady() + kTryTimeout);
    auto& counts = counts_[upstream.to_string()];
    ++counts.requests;
    Result<std::string> answer = fail(Reason::kUnknown, "");
    if (tcp) {
      answer = co_await try_tcp(upstream, message, query, deadline, stop);
    } else {
      answer = co_await try_udp(upstream, message, query, deadline, stop);
    }
    if (answer) co_return answer;
    ++counts.failures;
    last = std::move(answer).error();
  }
  co_return fail(std::move(last));
}

async::Task<Result<std::string>> Forwarder::try_udp(Upstream upstream, std::string message,
                                                    Query query, TimePoint deadline,
                                                    async::StopToken stop) {
  sockaddr_storage address;
  const socklen_t size = socket_address(upstream, address);
  const int fd = ::socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(errno_status("socket", errno));
  net::Socket socket(executor_, fd);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    co_return fail(errno_status(cat("asking ", upstream.to_string()), errno));
  }
  const std::uint16_t id = random_id();
  put16(id, reinterpret_cast<unsigned char*>(message.data()));
  if (::send(fd, message.data(), message.size(), 0) < 0) {
    co_return fail(errno_status(cat("asking ", upstream.to_string()), errno));
  }
  const Deadline guard(executor_, socket, deadline, stop);
  std::string answer(kMaxMessage, '\0');
  while (!socket.aborted()) {
    const ssize_t got = ::recv(fd, answer.data(), answer.size(), MSG_DONTWAIT);
    if (got < 0 && errno != EAGAIN && errno != EINTR) {
      co_return fail(errno_status(cat("the answer of ", upstream.to_string()), errno));
    }
    if (got >= 0 &&
        answers(std::string_view(answer).substr(0, static_cast<std::size_t>(got)), id, query)) {
      answer.resize(static_cast<std::size_t>(got));
      answer.shrink_to_fit();
      co_return answer;
    }
    if (got < 0) co_await socket.readable();
  }
  co_return fail(Reason::kServiceUnavailable, cat(upstream.to_string(), " did not answer in time"));
}

async::Task<Result<std::string>> Forwarder::try_tcp(Upstream upstream, std::string message,
                                                    Query query, TimePoint deadline,
                                                    async::StopToken stop) {
  net::DialOptions options;
  options.timeout = kTryTimeout;
  net::Endpoint endpoint;
  endpoint.host = upstream.address;
  endpoint.port = upstream.port;
  auto socket = co_await net::dial(executor_, endpoint, options, stop);
  if (!socket) co_return fail(std::move(socket).error());
  const std::uint16_t id = random_id();
  put16(id, reinterpret_cast<unsigned char*>(message.data()));
  std::string framed(2, '\0');
  put16(static_cast<unsigned>(message.size()), reinterpret_cast<unsigned char*>(framed.data()));
  framed += message;
  const Deadline guard(executor_, **socket, deadline, stop);
  KPP_CO_RETURN_IF_ERROR(co_await (*socket)->write_all(framed, stop));
  std::string bytes;
  std::array<char, 4096> buffer;
  while (!(*socket)->aborted()) {
    if (bytes.size() >= 2) {
      const std::size_t length = get16(reinterpret_cast<const unsigned char*>(bytes.data()));
      if (bytes.size() >= 2 + length) {
        std::string answer = bytes.substr(2, length);
        if (answers(answer, id, query)) co_return answer;
        co_return fail(Reason::kServiceUnavailable,
                       cat(upstream.to_string(), " answered another question"));
      }
    }
    std::size_t got = 0;
    const auto io = (*socket)->read_some(buffer.data(), buffer.size(), got);
    if (io == net::Socket::Io::kDone) bytes.append(buffer.data(), got);
    if (io == net::Socket::Io::kAgain) co_await (*socket)->readable();
    if (io == net::Socket::Io::kEnd || io == net::Socket::Io::kError) break;
  }
  co_return fail(Reason::kServiceUnavailable, cat(upstream.to_string(), " did not answer"));
}

}  // namespace kpp::dns
