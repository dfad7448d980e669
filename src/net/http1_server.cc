#include <algorithm>
#include <charconv>
#include <optional>

#include "async/scope.h"
#include "net/http1.h"
#include "net/server_connection.h"
#include "net/text.h"

namespace kpp::net {
namespace {

// What may be read ahead of the request at hand.
constexpr std::size_t kMaxReadAhead = 64 << 10;
// Bodies up to this size go out with their head in one write.
constexpr std::size_t kJoinedBody = 64 << 10;
// How much of a body that is too large is read and dropped so that the client sees the answer.
constexpr std::uint64_t kMaxDropped = 64u << 20;

class Http1Connection final : public ServerConnection {
 public:
  Http1Connection(const ServerContext& context, std::unique_ptr<Socket> socket, PeerInfo peer)
      : context_(context), socket_(std::move(socket)), peer_(std::move(peer)) {}

  async::Task<void> run(std::string first_bytes) override {
    in_ = std::move(first_bytes);
    bool more = true;
    while (more && !stopping_) more = co_await serve_one();
    if (socket_) co_await linger();
  }

  void begin_shutdown() override {
    stopping_ = true;
    if (request_stop_ != nullptr) {
      request_stop_->request_stop();
    } else if (socket_) {
      socket_->abort();
    }
  }

  void abort() override {
    if (socket_) socket_->abort();
  }

 private:
  // One request and its answer; false if the connection ends.
  async::Task<bool> serve_one() {
    http1::RequestHead head;
    std::optional<http1::Refusal> refusal;
    const bool has_head = co_await read_head(head, refusal);
    if (refusal) {
      co_await refuse(*refusal);
      co_return false;
    }
    if (!has_head) co_return false;

    Request request;
    if (!split_target(head.target, request.path, request.query)) {
      co_await refuse({400, ""});
      co_return false;
    }
    const Status body = co_await read_body(head, request);
    if (body.is(Reason::kBadRequest)) co_await refuse({400, ""});
    if (!body.ok()) co_return false;
    deadline = TimePoint::max();

    const bool is_head = head.method == "HEAD";
    request.upgradable = head.upgrade;
    request.method = std::move(head.method);
    request.headers = std::move(head.headers);
    request.remote_address = peer_.remote_address;
    request.peer_certificate = peer_.certificate;
    keep_alive_ = keep_alive_ && head.keep_alive;

    async::StopSource stop;
    request_stop_ = &stop;
    watch_peer();
    Response response = co_await context_.handler.handle(std::move(request), stop.token());
    if (stopping_) keep_alive_ = false;
    if (response.status == 101 && response.upgraded) {
      co_await upgrade(std::move(response), stop.token());
      request_stop_ = nullptr;
      co_return false;
    }
    const bool sent = co_await send(std::move(response), is_head, head.minor_version, stop.token());
    request_stop_ = nullptr;
    socket_->forget_callbacks();
    co_return sent&& keep_alive_ && !peer_gone_;
  }

  // --- reading

  Socket::Io fill() {
    char buffer[16384];
    std::size_t size = 0;
    const Socket::Io io = socket_->read_some(buffer, sizeof buffer, size);
    in_.append(buffer, size);
    return io;
  }

  // Reads something more of a body, with a new deadline.
  async::Task<bool> fill_body() {
    deadline = context_.executor.steady() + context_.options.idle_timeout;
    return fill_more();
  }

  // Reads something more; false at the end of the connection.
  async::Task<bool> fill_more() {
    for (;;) {
      if (peer_gone_ || socket_->aborted()) co_return false;
      const Socket::Io io = fill();
      if (io == Socket::Io::kDone) co_return true;
      if (io != Socket::Io::kAgain) co_return false;
      co_await socket_->readable();
    }
  }

  async::Task<bool> read_head(http1::RequestHead& head, std::optional<http1::Refusal>& refusal) {
    std::size_t scanned = 0;
    deadline = context_.executor.steady() + context_.options.idle_timeout;
    bool started = false;
    for (;;) {
      if (scanned == 0) {
        while (in_.starts_with("\r\n")) in_.erase(0, 2);  // between requests
      }
      const std::size_t size = http1::find_head_end(in_, scanned);
      if (size > context_.options.max_header_bytes ||
          (size == 0 && in_.size() > context_.options.max_header_bytes)) {
        refusal = http1::Refusal{431, ""};
        co_return false;
      }
      if (size != 0) {
        refusal = http1::parse_request_head(std::string_view(in_).substr(0, size), head);
        if (!refusal) in_.erase(0, size);
        co_return !refusal;
      }
      if (!in_.empty() && !started) {
        started = true;
        deadline = context_.executor.steady() + context_.options.header_timeout;
      }
      const bool more = co_await fill_more();
      if (!more) co_return false;
    }
  }

  // kIo if the connection ended; kBadRequest if the framing is wrong.
  async::Task<Status> read_body(http1::RequestHead& head, Request& request) {
    const http1::Framing& framing = head.framing;
    if (!framing.chunked && framing.length.value_or(0) == 0) co_return Status();
    const std::size_t limit = context_.options.max_body_bytes;
    request.body_too_large = framing.length.value_or(0) > limit;
    if (request.body_too_large && (head.expect_continue || *framing.length > kMaxDropped)) {
      keep_alive_ = false;
      co_return Status();
    }
    deadline = context_.executor.steady() + context_.options.idle_timeout;
    if (head.expect_continue && in_.empty()) {
      KPP_CO_RETURN_IF_ERROR(co_await socket_->write_all("HTTP/1.1 100 Continue\r\n\r\n", {}));
    }
    if (framing.chunked) co_return co_await read_chunked(request);
    std::uint64_t left = *framing.length;
    if (!request.body_too_large) request.body.reserve(static_cast<std::size_t>(left));
    for (;;) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left, in_.size()));
      if (!request.body_too_large) request.body.append(in_, 0, n);
      in_.erase(0, n);
      left -= n;
      if (left == 0) co_return Status();
      const bool more = co_await fill_body();
      if (!more) co_return Status(Reason::kIo, "the connection ended inside a body");
    }
  }

  async::Task<Status> read_chunked(Request& request) {
    http1::ChunkDecoder decoder;
    std::uint64_t dropped = 0;
    for (;;) {
      const std::size_t before = request.body.size();
      auto read = decoder.feed(in_, request.body, in_.size());
      if (!read) co_return std::move(read).error();
      in_.erase(0, *read);
      if (request.body.size() > context_.options.max_body_bytes) {
        request.body_too_large = true;
        dropped += request.body.size();
        request.body.clear();
      } else if (request.body_too_large) {
        dropped += request.body.size() - before;
        request.body.clear();
      }
      if (decoder.done()) co_return Status();
      if (dropped > kMaxDropped) {
        keep_alive_ = false;
        co_return Status();
      }
      const bool more = co_await fill_body();
      if (!more) co_return Status(Reason::kIo, "the connection ended inside a body");
    }
  }

  // While a handler runs: what the peer sends is kept, and its end asks the handler to stop.
  void watch_peer() {
    socket_->on_readable([this] {
      for (;;) {
        if (in_.size() >= kMaxReadAhead) return;
        const Socket::Io io = fill();
        if (io == Socket::Io::kDone) continue;
        if (io == Socket::Io::kAgain && !socket_->aborted()) {
          watch_peer();
          return;
        }
        peer_gone_ = true;
        if (request_stop_ != nullptr) request_stop_->request_stop();
        return;
      }
    });
  }

  // --- writing

  async::Task<void> refuse(http1::Refusal refusal) {
    const std::string status = cat(refusal.status, " ", http1::status_text(refusal.status));
    const std::string text =
        cat("HTTP/1.1 ", status, refusal.text.empty() ? "" : refusal.text,
            "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n", status,
            refusal.text);
    const Status ignored = co_await socket_->write_all(text, {});
    (void)ignored;
    keep_alive_ = false;
  }

  void append_head(std::string& out, const Response& response, bool is_head, int minor_version,
                   bool& chunked) {
    out += cat("HTTP/1.1 ", response.status, " ", http1::status_text(response.status), "\r\n");
    bool has_length = false;
    bool has_date = false;
    for (const auto& [name, value] : response.headers.fields()) {
      if (equal_ignoring_case(name, "Content-Length")) {
        // Of a stream it is the word of whoever made it; bytes at hand are counted here.
        if (!is_head && !(response.stream && length_of(value))) continue;
        has_length = true;
      }
      if (response.status != 101 && (equal_ignoring_case(name, "Connection") ||
                                     equal_ignoring_case(name, "Transfer-Encoding"))) {
        continue;
      }
      if (equal_ignoring_case(name, "Date")) has_date = true;
      out += name;
      out += ": ";
      out += value;
      out += "\r\n";
    }
    if (!has_date) out += cat("Date: ", http_date(context_.executor.wall()), "\r\n");
    if (response.stream) {
      chunked = minor_version > 0 && !has_length;
      if (has_length) {
        // The head says how much comes.
      } else if (chunked) {
        out += "Transfer-Encoding: chunked\r\n";
      } else {
        keep_alive_ = false;
      }
    } else if (!has_no_body(response.status) && !has_length) {
      std::size_t size = 0;
      for (const auto& piece : response.body) size += piece->size();
      out += cat("Content-Length: ", size, "\r\n");
    }
    if (!keep_alive_ && response.status != 101)
      out += "Connection: close\r\n";
    else if (minor_version == 0)
      out += "Connection: keep-alive\r\n";
    out += "\r\n";
  }

  async::Task<bool> send(Response response, bool is_head, int minor_version,
                         async::StopToken stop) {
    std::string out;
    bool chunked = false;
    append_head(out, response, is_head, minor_version, chunked);
    if (!is_head && !has_no_body(response.status)) {
      for (const auto& piece : response.body) {
        if (chunked && !piece->empty()) append_chunk_head(out, piece->size());
        if (out.size() + piece->size() <= kJoinedBody) {
          out += *piece;
        } else {
          const bool sent = co_await flush(out);
          if (!sent) co_return false;
          const bool sent_piece = co_await write(*piece);
          if (!sent_piece) co_return false;
        }
        if (chunked && !piece->empty()) out += "\r\n";
      }
    }
    const bool streams = response.stream && !is_head && !has_no_body(response.status);
    const bool sent = co_await flush(out);
    if (!sent || !streams) co_return sent;
    std::optional<std::uint64_t> left = length_of(response.headers.get("Content-Length"));
    if (left) {
      std::uint64_t had = 0;
      for (const auto& piece : response.body) had += piece->size();
      if (had > *left) co_return cut_off();
      *left -= had;
    }
    co_return co_await send_stream(std::move(response.stream), chunked, left, std::move(stop));
  }

  // What a Content-Length says.
  static std::optional<std::uint64_t> length_of(std::string_view text) {
    std::uint64_t out = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, out);
    if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return out;
  }

  // The peer must see that the answer is not whole.
  bool cut_off() {
    socket_->abort();
    return false;
  }

  // `left`: how many bytes the head promised, if it did.
  async::Task<bool> send_stream(std::unique_ptr<BodySource> source, bool chunked,
                                std::optional<std::uint64_t> left, async::StopToken stop) {
    std::string out;
    for (;;) {
      auto piece = co_await source->next(stop);
      if (!piece) co_return cut_off();
      if (*piece == nullptr) break;
      if ((*piece)->empty()) continue;
      if (left) {
        if ((*piece)->size() > *left) co_return cut_off();
        *left -= (*piece)->size();
      }
      if (chunked) append_chunk_head(out, (*piece)->size());
      out += **piece;
      if (chunked) out += "\r\n";
      const bool sent = co_await flush(out);
      if (!sent) co_return false;
    }
    if (left) co_return *left == 0 || cut_off();
    if (!chunked) co_return false;
    out = "0\r\n\r\n";
    co_return co_await flush(out);
  }

  static void append_chunk_head(std::string& out, std::size_t size) {
    char digits[20];
    char* at = std::end(digits);
    for (; size != 0; size >>= 4) *--at = "0123456789abcdef"[size & 15];
    out.append(at, std::end(digits));
    out += "\r\n";
  }

  // Writes and empties `out`.
  async::Task<bool> flush(std::string& out) {
    const bool sent = co_await write(out);
    out.clear();
    co_return sent;
  }

  async::Task<bool> write(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t written = 0;
      const Socket::Io io = socket_->write_some(bytes.data(), bytes.size(), written);
      bytes.remove_prefix(written);
      if (io == Socket::Io::kDone) continue;
      if (io != Socket::Io::kAgain || peer_gone_) {
        if (request_stop_ != nullptr) request_stop_->request_stop();
        co_return false;
      }
      co_await socket_->writable();
    }
    co_return true;
  }

  async::Task<void> upgrade(Response response, async::StopToken stop) {
    std::string out;
    bool chunked = false;
    append_head(out, response, false, 1, chunked);
    const bool sent = co_await flush(out);
    socket_->forget_callbacks();
    Socket* const socket = socket_.get();
    if (stop.stop_requested() || !sent) {
      socket->abort();
    }
    co_await response.upgraded(make_byte_stream(std::move(socket_), std::move(in_)),
                               std::move(stop));
  }

  // Lets the peer read our last answer before the connection goes: closing at once could reset it
  // on the way.
  async::Task<void> linger() {
    if (peer_gone_ || stopping_ || socket_->aborted()) co_return;
    socket_->forget_callbacks();
    socket_->close_write();
    deadline = context_.executor.steady() + std::chrono::seconds(1);
    std::size_t dropped = 0;
    bool more = true;
    while (more && dropped < (1u << 20) && !stopping_) {
      dropped += in_.size();
      in_.clear();
      more = co_await fill_more();
    }
  }

  const ServerContext context_;
  std::unique_ptr<Socket> socket_;
  const PeerInfo peer_;
  std::string in_;
  bool keep_alive_ = true;
  bool stopping_ = false;
  bool peer_gone_ = false;
  async::StopSource* request_stop_ = nullptr;  // of the request at hand
};

}  // namespace

std::unique_ptr<ServerConnection> make_http1_connection(const ServerContext& context,
                                                        std::unique_ptr<Socket> socket,
                                                        PeerInfo peer) {
  return std::make_unique<Http1Connection>(context, std::move(socket), std::move(peer));
}

}  // namespace kpp::net
