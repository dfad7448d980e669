#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <deque>
#include <map>

#include "async/scope.h"
#include "async/wait.h"
#include "net/http1.h"
#include "net/server_connection.h"
#include "net/text.h"
#include "net/trailers.h"

namespace kpp::net {
namespace {

constexpr std::int32_t kStreamWindow = 1 << 20;
constexpr std::int32_t kConnectionWindow = 16 << 20;
// What is gathered before a write; one turn of the loop seldom has more.
constexpr std::size_t kOutputBatch = 256 << 10;
// What a BodySource may have in hand that the peer has not taken.
constexpr std::size_t kStreamAhead = 64 << 10;
// What all unfinished request bodies of a connection may take together.
constexpr std::size_t kMaxUnfinished = 64u << 20;
// Streams that were reset while their handlers still run count against this multiple of the
// concurrency limit.
constexpr int kRunningFactor = 4;

class Http2Connection;

// A request and its answer. Owned by the connection's table and by its handler's coroutine.
struct Stream {
  Stream(async::Executor& executor, std::int32_t number) : id(number), drained(executor) {}

  const std::int32_t id;
  Request request;
  std::size_t header_bytes = 0;
  bool headers_too_large = false;
  bool malformed = false;
  bool complete = false;  // the request's last byte has come
  bool closed = false;
  async::StopSource stop;

  // The answer's body: what is not sent yet.
  std::deque<Slice> chunks;
  std::size_t offset = 0;  // into the first chunk
  std::size_t pending = 0;
  bool finished = false;  // nothing follows the chunks
  Headers trailers;
  bool deferred = false;
  async::Waiter drained;

  void add(Slice bytes) {
    if (bytes->empty()) return;
    pending += bytes->size();
    chunks.push_back(std::move(bytes));
  }
};

class Http2Connection final : public ServerConnection {
 public:
  Http2Connection(const ServerContext& context, std::unique_ptr<Socket> socket, PeerInfo peer)
      : context_(context),
        socket_(std::move(socket)),
        peer_(std::move(peer)),
        scope_(context.executor),
        ended_(context.executor) {}

  ~Http2Connection() override {
    if (session_ != nullptr) nghttp2_session_del(session_);
  }

  async::Task<void> run(std::string first_bytes) override {
    if (!start()) co_return;
    touch();
    if (first_bytes.empty() || feed(first_bytes)) on_readable();
    if (!closing_) co_await ended_.wait({});
    socket_->forget_callbacks();
    for (auto& [id, stream] : streams_) {
      stream->closed = true;
      stream->stop.request_stop();
      stream->drained.wake();
    }
    co_await scope_.join();
    while (posted_ > 0) co_await async::yield(context_.executor);
  }

  void begin_shutdown() override {
    if (closing_ || session_ == nullptr) return;
    stopping_ = true;
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                          nullptr, 0);
    for (auto& [id, stream] : streams_) stream->stop.request_stop();
    schedule_pump();
  }

  void abort() override {
    socket_->abort();
    end();
  }

 private:
  bool start() {
    nghttp2_session_callbacks* callbacks = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) return false;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &on_close);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, &on_send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks, &frame_length);
    const int made = nghttp2_session_server_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    if (made != 0) return false;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, context_.options.max_concurrent_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
         static_cast<std::uint32_t>(context_.options.max_header_bytes)},
    };
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
    return true;
  }

  static Http2Connection& self(void* user) { return *static_cast<Http2Connection*>(user); }

  // nullptr if the connection has forgotten the stream.
  Stream* find(std::int32_t id) {
    return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
  }

  // --- reading

  void on_readable() {
    char buffer[16384];
    while (!closing_) {
      std::size_t size = 0;
      const Socket::Io io = socket_->read_some(buffer, sizeof buffer, size);
      if (io == Socket::Io::kAgain) {
        socket_->on_readable([this] { on_readable(); });
        break;
      }
      if (io != Socket::Io::kDone) {
        end();
        return;
      }
      if (!feed({buffer, size})) return;
    }
    schedule_pump();
  }

  bool feed(std::string_view bytes) {
    const auto read = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (read >= 0) return true;
    // Not HTTP/2 at all, or a session that is beyond help.
    pump();
    end();
    return false;
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Http2Connection& c = self(user);
    const std::int32_t id = frame->hd.stream_id;
    auto stream = std::make_shared<Stream>(c.context_.executor, id);
    nghttp2_session_set_stream_user_data(c.session_, id, stream.get());
    c.streams_.emplace(id, std::move(stream));
    c.touch();
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name_data,
                       std::size_t name_size, const std::uint8_t* value_data,
                       std::size_t value_size, std::uint8_t, void* user) {
    Http2Connection& c = self(user);
    Stream* const stream = c.find(frame->hd.stream_id);
    if (stream == nullptr || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    stream->header_bytes += name_size + value_size + 32;
    if (stream->header_bytes > c.context_.options.max_header_bytes) {
      stream->headers_too_large = true;
      return 0;
    }
    const std::string_view name(reinterpret_cast<const char*>(name_data), name_size);
    std::string value(reinterpret_cast<const char*>(value_data), value_size);
    Request& request = stream->request;
    if (!name.starts_with(':')) {
      request.headers.add(std::string(name), std::move(value));
    } else if (name == ":method") {
      request.method = std::move(value);
    } else if (name == ":path") {
      if (!split_target(value, request.path, request.query)) stream->malformed = true;
    } else if (name == ":authority") {
      request.headers.add("host", std::move(value));
    }
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    Http2Connection& c = self(user);
    Stream* const stream = c.find(id);
    if (stream == nullptr || stream->request.body_too_large) return 0;
    std::string& body = stream->request.body;
    if (body.size() + size > c.context_.options.max_body_bytes) {
      stream->request.body_too_large = true;
      c.unfinished_ -= body.size();
      std::string().swap(body);
      return 0;
    }
    if (c.unfinished_ + size > kMaxUnfinished) {
      nghttp2_submit_rst_stream(c.session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_ENHANCE_YOUR_CALM);
      return 0;
    }
    c.unfinished_ += size;
    body.append(reinterpret_cast<const char*>(data), size);
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    Http2Connection& c = self(user);
    const auto found = c.streams_.find(frame->hd.stream_id);
    if (found == c.streams_.end()) return 0;
    found->second->complete = true;
    c.unfinished_ -= found->second->request.body.size();
    const int limit = static_cast<int>(c.context_.options.max_concurrent_streams) * kRunningFactor;
    if (c.scope_.running() >= limit) {
      nghttp2_session_terminate_session(c.session_, NGHTTP2_ENHANCE_YOUR_CALM);
      return 0;
    }
    c.scope_.spawn(c.serve(found->second));
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    Http2Connection& c = self(user);
    const auto found = c.streams_.find(id);
    if (found == c.streams_.end()) return 0;
    const std::shared_ptr<Stream> stream = std::move(found->second);
    c.streams_.erase(found);
    if (!stream->complete) c.unfinished_ -= stream->request.body.size();
    stream->closed = true;
    stream->drained.wake();
    // Callbacks of a stop may do anything but not inside of nghttp2.
    if (!stream->finished || stream->pending > 0) {
      ++c.posted_;
      c.context_.executor.post([&c, stream] {
        stream->stop.request_stop();
        --c.posted_;
      });
    }
    c.touch();
    return 0;
  }

  // --- answering

  async::Task<void> serve(std::shared_ptr<Stream> stream) {
    if (stream->closed) co_return;
    Request request = std::move(stream->request);
    Response response;
    if (stream->headers_too_large) {
      response =
          Response::text(431, "text/plain; charset=utf-8", "431 Request Header Fields Too Large");
    } else if (stream->malformed || request.path.empty()) {
      response = Response::text(400, "text/plain; charset=utf-8", "400 Bad Request");
    } else {
      request.remote_address = peer_.remote_address;
      request.peer_certificate = peer_.certificate;
      const bool is_head = request.method == "HEAD";
      if (stopping_) stream->stop.request_stop();
      response = co_await context_.handler.handle(std::move(request), stream->stop.token());
      if (is_head) response.stream = nullptr;
      if (is_head && response.headers.find("Content-Length") != nullptr) response.body.clear();
      if (is_head) stream->finished = true;
    }
    if (stream->closed || closing_) co_return;
    std::unique_ptr<BodySource> source = std::move(response.stream);
    submit(*stream, response, source != nullptr);
    schedule_pump();
    if (!source) co_return;
    co_await forward(stream, std::move(source));
  }

  async::Task<void> forward(std::shared_ptr<Stream> stream, std::unique_ptr<BodySource> source) {
    for (;;) {
      auto piece = co_await source->next(stream->stop.token());
      if (stream->closed || closing_) co_return;
      if (!piece) {
        nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_INTERNAL_ERROR);
        schedule_pump();
        co_return;
      }
      if (*piece != nullptr) {
        stream->add(std::move(*piece));
      } else {
        stream->finished = true;
        if (auto* const trailed = dynamic_cast<TrailedSource*>(source.get()))
          stream->trailers = trailed->trailers();
      }
      if (stream->deferred) {
        stream->deferred = false;
        nghttp2_session_resume_data(session_, stream->id);
      }
      schedule_pump();
      if (stream->finished) co_return;
      while (stream->pending > kStreamAhead && !stream->closed && !closing_)
        co_await stream->drained.wait({});
      if (stream->closed || closing_) co_return;
    }
  }

  void submit(Stream& stream, Response& response, bool streams) {
    const bool is_head = stream.finished;
    std::size_t size = 0;
    for (const auto& piece : response.body) size += piece->size();
    const bool has_body = !is_head && !has_no_body(response.status) && (size > 0 || streams);

    // Names and values must stay until nghttp2 has copied them.
    std::vector<std::string> names;
    std::vector<nghttp2_nv> fields;
    const auto& given = response.headers.fields();
    names.reserve(given.size());
    fields.reserve(given.size() + 3);
    const auto add = [&fields](std::string_view name, std::string_view value) {
      fields.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                        name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    };
    const std::string status = cat(response.status);
    add(":status", status);
    bool has_date = false;
    bool has_length = false;
    for (const auto& [name, value] : given) {
      std::string& lowered = names.emplace_back(name);
      std::transform(lowered.begin(), lowered.end(), lowered.begin(),
                     [](char c) { return lower(c); });
      if (lowered == "connection" || lowered == "transfer-encoding" || lowered == "keep-alive" ||
          lowered == "upgrade") {
        continue;
      }
      if (lowered == "content-length") {
        if (!is_head) continue;
        has_length = true;
      }
      if (lowered == "date") has_date = true;
      add(lowered, value);
    }
    const std::string date = has_date ? std::string() : http_date(context_.executor.wall());
    if (!has_date) add("date", date);
    const std::string length = cat(size);
    if (!streams && !has_length && !has_no_body(response.status)) add("content-length", length);

    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = &read_body;
    if (has_body) {
      for (auto& piece : response.body) stream.add(std::move(piece));
    }
    stream.finished = !streams || !has_body;
    nghttp2_submit_response(session_, stream.id, fields.data(), fields.size(),
                            has_body ? &provider : nullptr);
  }

  static ssize_t frame_length(nghttp2_session*, std::uint8_t, std::int32_t,
                              std::int32_t connection_window, std::int32_t stream_window,
                              std::uint32_t max_frame_size, void*) {
    return std::min<std::int64_t>({connection_window, stream_window, max_frame_size});
  }

  static void submit_trailers(nghttp2_session* session, const Stream& stream) {
    std::vector<nghttp2_nv> fields;
    for (const auto& [name, value] : stream.trailers.fields()) {
      fields.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                        name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_submit_trailer(session, stream.id, fields.data(), fields.size());
  }

  static ssize_t read_body(nghttp2_session* session, std::int32_t, std::uint8_t*,
                           std::size_t capacity, std::uint32_t* flags, nghttp2_data_source* source,
                           void*) {
    auto& stream = *static_cast<Stream*>(source->ptr);
    if (stream.pending == 0 && !stream.finished) {
      stream.deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    const std::size_t n = std::min(capacity, stream.pending);
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream.finished && n == stream.pending) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.trailers.fields().empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        submit_trailers(session, stream);
      }
    }
    return static_cast<ssize_t>(n);
  }

  static int on_send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_head,
                          std::size_t size, nghttp2_data_source* source, void* user) {
    Http2Connection& c = self(user);
    if (c.out_.size() >= kOutputBatch) return NGHTTP2_ERR_WOULDBLOCK;
    auto& stream = *static_cast<Stream*>(source->ptr);
    c.out_.append(reinterpret_cast<const char*>(frame_head), 9);
    while (size > 0) {
      const std::string_view chunk = *stream.chunks.front();
      const std::size_t n = std::min(size, chunk.size() - stream.offset);
      c.out_.append(chunk.substr(stream.offset, n));
      stream.offset += n;
      stream.pending -= n;
      size -= n;
      if (stream.offset == chunk.size()) {
        stream.chunks.pop_front();
        stream.offset = 0;
      }
    }
    if (stream.pending <= kStreamAhead && !stream.finished) stream.drained.wake();
    return 0;
  }

  // --- writing

  // Everything that one turn of the loop has to say goes out in one write.
  void schedule_pump() {
    if (pump_scheduled_ || closing_) return;
    pump_scheduled_ = true;
    ++posted_;
    context_.executor.post([this] {
      pump_scheduled_ = false;
      --posted_;
      pump();
    });
  }

  void pump() {
    while (!closing_ && !write_blocked_) {
      if (out_offset_ == out_.size()) {
        out_.clear();
        out_offset_ = 0;
        gather();
        if (closing_) return;
        if (out_.empty()) break;
      }
      std::size_t written = 0;
      const Socket::Io io =
          socket_->write_some(out_.data() + out_offset_, out_.size() - out_offset_, written);
      out_offset_ += written;
      if (io == Socket::Io::kAgain) {
        write_blocked_ = true;
        socket_->on_writable([this] {
          write_blocked_ = false;
          pump();
        });
        return;
      }
      if (io != Socket::Io::kDone) {
        end();
        return;
      }
    }
    if (closing_ || write_blocked_) return;
    if (out_.capacity() > kOutputBatch * 2) std::string().swap(out_);
    const bool over =
        nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
    if (over || (stopping_ && streams_.empty())) {
      socket_->close_write();
      end();
    }
  }

  void gather() {
    while (out_.size() < kOutputBatch) {
      const std::uint8_t* data = nullptr;
      const auto size = nghttp2_session_mem_send(session_, &data);
      if (size < 0) {
        end();
        return;
      }
      if (size == 0) return;
      out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
  }

  void touch() {
    deadline = streams_.empty() ? context_.executor.steady() + context_.options.idle_timeout
                                : TimePoint::max();
  }

  void end() {
    if (closing_) return;
    closing_ = true;
    ended_.wake();
  }

  const ServerContext context_;
  std::unique_ptr<Socket> socket_;
  const PeerInfo peer_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::shared_ptr<Stream>> streams_;  // shared with serve()
  std::string out_;
  std::size_t out_offset_ = 0;
  bool pump_scheduled_ = false;
  bool write_blocked_ = false;
  bool stopping_ = false;
  bool closing_ = false;
  std::size_t unfinished_ = 0;  // bytes of bodies that are not complete
  int posted_ = 0;              // works in the executor's queue that point here
  async::Scope scope_;
  async::Waiter ended_;
};

}  // namespace

std::unique_ptr<ServerConnection> make_http2_connection(const ServerContext& context,
                                                        std::unique_ptr<Socket> socket,
                                                        PeerInfo peer) {
  return std::make_unique<Http2Connection>(context, std::move(socket), std::move(peer));
}

}  // namespace kpp::net
