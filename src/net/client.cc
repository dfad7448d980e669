#include "net/client.h"

#include <algorithm>
#include <deque>

#include "net/http1.h"
#include "net/socket.h"
#include "net/text.h"

namespace kpp::net {
namespace {

constexpr std::size_t kMaxHeadBytes = 1 << 20;
constexpr std::size_t kStreamPiece = 64 << 10;

struct Connection {
  std::unique_ptr<Socket> socket;
  std::string in;  // read and not yet taken
  TimePoint idle_since{};
  bool reused = false;
  bool answered = false;  // some byte of the answer came

  Socket::Io fill() {
    char buffer[32768];
    std::size_t size = 0;
    const Socket::Io io = socket->read_some(buffer, sizeof buffer, size);
    in.append(buffer, size);
    return io;
  }

  // Reads something; kIo at the end of the connection, with an empty message if the end is a clean
  // one.
  async::Task<Status> fill_more(async::StopToken stop) {
    const async::StopCallback on_stop(stop, [this] { socket->wake_all(); });
    for (;;) {
      if (stop.stop_requested())
        co_return Status(Reason::kCanceled, "stopped while waiting for an answer");
      const Socket::Io io = fill();
      if (io == Socket::Io::kDone) {
        answered = true;
        co_return Status();
      }
      if (io == Socket::Io::kEnd) co_return Status(Reason::kIo, "");
      if (io == Socket::Io::kError)
        co_return Status(Reason::kIo, cat("read: ", socket->last_error()));
      co_await socket->readable();
    }
  }
};

// Reads one body off a connection.
class BodyReader {
 public:
  BodyReader(const http1::Framing& framing, bool none)
      : chunked_(!none && framing.chunked),
        to_end_(!none && !framing.chunked && !framing.length),
        left_(none ? 0 : framing.length.value_or(0)) {}

  bool done() const { return done_ || (!chunked_ && !to_end_ && left_ == 0); }
  // The connection can carry another request afterwards.
  bool leaves_connection_usable() const { return !to_end_; }

  // Appends what has come, at least a byte unless the body is done.
  async::Task<Status> next(Connection& connection, std::string& out, std::size_t limit,
                           async::StopToken stop) {
    const std::size_t before = out.size();
    for (;;) {
      KPP_CO_RETURN_IF_ERROR(take(connection.in, out, limit));
      if (done() || out.size() > before) co_return Status();
      const Status filled = co_await connection.fill_more(stop);
      if (filled.ok()) continue;
      if (!filled.is(Reason::kIo)) co_return filled;
      if (to_end_ && filled.message().empty()) {
        done_ = true;
        co_return Status();
      }
      co_return Status(Reason::kIo, "unexpected EOF");
    }
  }

 private:
  Status take(std::string& in, std::string& out, std::size_t limit) {
    if (chunked_) {
      KPP_ASSIGN(const std::size_t taken, decoder_.feed(in, out, limit));
      in.erase(0, taken);
      done_ = decoder_.done();
      return {};
    }
    std::size_t n = std::min(in.size(), limit);
    if (!to_end_) n = static_cast<std::size_t>(std::min<std::uint64_t>(n, left_));
    if (n == in.size() && out.empty())
      out = std::exchange(in, {});
    else {
      out.append(in, 0, n);
      in.erase(0, n);
    }
    if (!to_end_) left_ -= n;
    return {};
  }

  bool chunked_;
  bool to_end_;
  bool done_ = false;
  std::uint64_t left_;
  http1::ChunkDecoder decoder_;
};

bool is_ours(std::string_view name) {
  return equal_ignoring_case(name, "Connection") ||
         equal_ignoring_case(name, "Transfer-Encoding") ||
         equal_ignoring_case(name, "Content-Length") || equal_ignoring_case(name, "Host");
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

Result<std::string> request_head(const Request& request, const Endpoint& endpoint, bool upgrade) {
  std::string out = cat(request.method, " ", encode_path(request.path));
  if (!request.query.empty()) out += cat("?", request.query);
  if (has_line_break(out) || out.find(' ', request.method.size() + 1) != std::string::npos) {
    return fail(Reason::kBadRequest, "malformed request");
  }
  const std::string* const host = request.headers.find("Host");
  out += cat(" HTTP/1.1\r\nHost: ", host != nullptr ? *host : endpoint.authority(), "\r\n");
  for (const auto& [name, value] : request.headers.fields()) {
    if (is_ours(name)) continue;
    if (has_line_break(name) || has_line_break(value))
      return fail(Reason::kBadRequest, cat("malformed header ", quoted(name)));
    out += name;
    out += ": ";
    out += value;
    out += "\r\n";
  }
  if (upgrade) out += "Connection: Upgrade\r\n";
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH") {
    out += cat("Content-Length: ", request.body.size(), "\r\n");
  }
  out += "\r\n";
  return out;
}

}  // namespace

struct HttpClient::Pool {
  Pool(async::IoExecutor& e, Endpoint to, ClientOptions o)
      : executor(e), endpoint(std::move(to)), options(std::move(o)) {}

  async::IoExecutor& executor;
  const Endpoint endpoint;
  ClientOptions options;
  std::deque<std::unique_ptr<Connection>> idle;
  bool closed = false;

  std::unique_ptr<Connection> take_idle() {
    const TimePoint oldest = executor.steady() - options.idle_timeout;
    while (!idle.empty()) {
      std::unique_ptr<Connection> connection = std::move(idle.back());
      idle.pop_back();
      // Anything to read on an idle connection is its end, or what nobody asked for.
      if (connection->idle_since < oldest || connection->fill() != Socket::Io::kAgain) continue;
      connection->reused = true;
      connection->answered = false;
      return connection;
    }
    return nullptr;
  }

  void give_back(std::unique_ptr<Connection> connection) {
    if (closed || !connection->in.empty() || idle.size() >= options.max_idle_connections) return;
    connection->idle_since = executor.steady();
    idle.push_back(std::move(connection));
  }
};

namespace {

using PoolConnection = std::unique_ptr<Connection>;

// The body of an answer as it comes.
template <class Pool>
class ResponseStream final : public BodySource {
 public:
  ResponseStream(std::shared_ptr<Pool> pool, PoolConnection connection, BodyReader reader,
                 bool keep_alive)
      : pool_(std::move(pool)),
        connection_(std::move(connection)),
        reader_(reader),
        keep_alive_(keep_alive) {}

  async::Task<Result<SharedBytes>> next(async::StopToken stop) override {
    if (!connection_) co_return SharedBytes();
    std::string piece;
    Status status = co_await reader_.next(*connection_, piece, kStreamPiece, std::move(stop));
    if (!status.ok()) {
      connection_.reset();
      co_return fail(std::move(status));
    }
    if (reader_.done()) {
      if (keep_alive_ && reader_.leaves_connection_usable())
        pool_->give_back(std::move(connection_));
      connection_.reset();
      if (piece.empty()) co_return SharedBytes();
    }
    co_return std::make_shared<const std::string>(std::move(piece));
  }

 private:
  std::shared_ptr<Pool> pool_;  // shared with the client
  PoolConnection connection_;
  BodyReader reader_;
  const bool keep_alive_;
};

// Sends the request and reads the answer's head.
async::Task<Status> exchange_heads(Connection& connection, std::string head, std::string body,
                                   http1::ResponseHead* out, async::StopToken stop) {
  if (head.size() + body.size() <= (64 << 10)) {
    head += body;
    body.clear();
  }
  Status written = co_await connection.socket->write_all(head, stop);
  if (written.ok() && !body.empty()) written = co_await connection.socket->write_all(body, stop);
  // A server may answer before it has read the body, and close; the answer counts.
  if (written.is(Reason::kCanceled)) co_return written;
  std::size_t scanned = 0;
  for (;;) {
    const std::size_t size = http1::find_head_end(connection.in, scanned);
    if (size > kMaxHeadBytes || (size == 0 && connection.in.size() > kMaxHeadBytes)) {
      co_return Status(Reason::kIo, "the answer's head is too large");
    }
    if (size != 0) {
      *out = {};
      KPP_CO_RETURN_IF_ERROR(
          http1::parse_response_head(std::string_view(connection.in).substr(0, size), *out));
      connection.in.erase(0, size);
      if (!written.ok()) out->keep_alive = false;
      if (out->status >= 200 || out->status == 101) co_return Status();
      scanned = 0;
      continue;
    }
    Status filled = co_await connection.fill_more(stop);
    if (filled.ok()) continue;
    if (filled.is(Reason::kIo) && !written.ok()) co_return written;
    if (filled.is(Reason::kIo) && filled.message().empty()) co_return Status(Reason::kIo, "EOF");
    co_return filled;
  }
}

}  // namespace

std::string encode_path(std::string_view path) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        (c != '\0' && std::string_view("-_.~/$&+,:;=@!'()*").find(c) != std::string_view::npos);
    if (plain) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out.empty() ? "/" : out;
}

HttpClient::HttpClient(async::IoExecutor& executor, Endpoint endpoint, ClientOptions options)
    : pool_(std::make_shared<Pool>(executor, std::move(endpoint), std::move(options))) {}

HttpClient::~HttpClient() {
  pool_->closed = true;
  pool_->idle.clear();
}

async::Task<Result<Response>> HttpClient::send(Request request, bool want_stream,
                                               async::StopToken stop) {
  const std::shared_ptr<Pool> pool = pool_;
  KPP_CO_ASSIGN(const std::string head, request_head(request, pool->endpoint, false));
  const bool repeatable =
      request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
  http1::ResponseHead answer;
  std::unique_ptr<Connection> connection;
  for (bool again = true; again;) {
    connection = pool->take_idle();
    if (!connection) {
      auto socket = co_await dial(pool->executor, pool->endpoint, pool->options.dial, stop);
      if (!socket) co_return fail(std::move(socket).error());
      connection = std::make_unique<Connection>();
      connection->socket = std::move(*socket);
    }
    Status status = co_await exchange_heads(*connection, head, request.body, &answer, stop);
    again = status.is(Reason::kIo) && connection->reused && !connection->answered && repeatable;
    if (!status.ok() && !again)
      co_return fail(std::move(status).with_context(cat(request.method, " ", request.path)));
  }
  if (answer.status == 101) co_return fail(Reason::kIo, "the server changed the protocol unasked");

  Response response;
  response.status = answer.status;
  response.headers = std::move(answer.headers);
  BodyReader reader(answer.framing,
                    request.method == "HEAD" || answer.status == 204 || answer.status == 304);
  if (want_stream) {
    if (reader.done() && answer.keep_alive) pool->give_back(std::exchange(connection, nullptr));
    if (reader.done()) connection.reset();
    response.stream = std::make_unique<ResponseStream<Pool>>(pool, std::move(connection), reader,
                                                             answer.keep_alive);
    co_return response;
  }
  std::string body;
  while (!reader.done()) {
    Status status = co_await reader.next(*connection, body, std::size_t{4} << 20, stop);
    if (!status.ok()) co_return fail(std::move(status));
    if (body.size() > pool->options.max_body_bytes)
      co_return fail(Reason::kIo, "the answer is too large");
  }
  if (answer.keep_alive && reader.leaves_connection_usable())
    pool->give_back(std::move(connection));
  if (!body.empty()) response.body.push_back(std::make_shared<const std::string>(std::move(body)));
  co_return response;
}

async::Task<Result<Upgraded>> HttpClient::upgrade(Request request, async::StopToken stop) {
  const std::shared_ptr<Pool> pool = pool_;
  KPP_CO_ASSIGN(const std::string head, request_head(request, pool->endpoint, true));
  auto socket = co_await dial(pool->executor, pool->endpoint, pool->options.dial, stop);
  if (!socket) co_return fail(std::move(socket).error());
  Connection connection;
  connection.socket = std::move(*socket);
  http1::ResponseHead answer;
  Status status = co_await exchange_heads(connection, head, std::move(request.body), &answer, stop);
  if (!status.ok()) co_return fail(std::move(status));
  Upgraded out;
  out.response.status = answer.status;
  out.response.headers = std::move(answer.headers);
  if (answer.status == 101) {
    out.stream = make_byte_stream(std::move(connection.socket), std::move(connection.in));
    co_return out;
  }
  BodyReader reader(answer.framing, answer.status == 204 || answer.status == 304);
  std::string body;
  while (!reader.done()) {
    Status read = co_await reader.next(connection, body, kStreamPiece, stop);
    if (!read.ok()) co_return fail(std::move(read));
    if (body.size() > pool->options.max_body_bytes)
      co_return fail(Reason::kIo, "the answer is too large");
  }
  out.response.body.push_back(std::make_shared<const std::string>(std::move(body)));
  co_return out;
}

void HttpClient::replace_tls(std::shared_ptr<const TlsContext> tls) {
  pool_->options.dial.tls = std::move(tls);
  pool_->idle.clear();
}

int HttpClient::idle_connections() const { return static_cast<int>(pool_->idle.size()); }

}  // namespace kpp::net
