#include "net/grpc_connection.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "net/grpc_details.h"

namespace kpp::net {
namespace {

constexpr std::int32_t kStreamWindow = 4 << 20;
constexpr std::int32_t kConnectionWindow = 64 << 20;
constexpr std::size_t kOutputBatch = 256 << 10;
// Whole messages that may lie unread before the server has to wait.
constexpr std::size_t kMaxQueued = 4 << 20;
constexpr std::size_t kFrameHead = 5;

// What an answer without grpc-status means.
int code_of_http(int status) {
  switch (status) {
    case 400:
      return kGrpcInternal;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return kGrpcUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return kGrpcUnavailable;
    default:
      return kGrpcUnknown;
  }
}

}  // namespace

std::string grpc_frame(std::string_view message) {
  std::string out;
  out.reserve(message.size() + kFrameHead);
  out.push_back(0);  // not compressed
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(message.size() >> shift));
  out += message;
  return out;
}

std::size_t grpc_message_size(std::string_view head) {
  std::size_t size = 0;
  for (int i = 1; i < 5; ++i)
    size = size << 8 | static_cast<unsigned char>(head[static_cast<std::size_t>(i)]);
  return size;
}

struct GrpcConnection::Callbacks {
  static GrpcConnection& self(void* user) { return *static_cast<GrpcConnection*>(user); }

  static GrpcCall* find(GrpcConnection& c, std::int32_t id) {
    const auto found = c.calls_.find(id);
    return found == c.calls_.end() ? nullptr : found->second.get();
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name_data,
                    std::size_t name_size, const std::uint8_t* value_data, std::size_t value_size,
                    std::uint8_t, void* user) {
    GrpcCall* const call = find(self(user), frame->hd.stream_id);
    if (call == nullptr) return 0;
    const std::string_view name(reinterpret_cast<const char*>(name_data), name_size);
    const std::string_view value(reinterpret_cast<const char*>(value_data), value_size);
    if (name == ":status") {
      std::from_chars(value.data(), value.data() + value.size(), call->http_status);
    } else if (name == "grpc-status") {
      int code = kGrpcUnknown;
      std::from_chars(value.data(), value.data() + value.size(), code);
      call->code = code;
    } else if (name == "grpc-message") {
      call->message = percent_decode(value, false);
    } else if (name == "grpc-status-details-bin") {
      call->details = decode_details(value);
    }
    return 0;
  }

  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                  std::size_t size, void* user) {
    GrpcConnection& c = self(user);
    nghttp2_session_consume_connection(c.session_, size);
    if (GrpcCall* const call = find(c, id)) {
      c.take_message_bytes(*call, {reinterpret_cast<const char*>(bytes), size});
    } else {
      nghttp2_session_consume_stream(c.session_, id, size);
    }
    return 0;
  }

  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_GOAWAY) self(user).over_ = true;
    return 0;
  }

  static int close(nghttp2_session*, std::int32_t id, std::uint32_t error_code, void* user) {
    self(user).finish(id, error_code);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t capacity,
                           std::uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& call = *static_cast<GrpcCall*>(source->ptr);
    std::size_t size = 0;
    while (size < capacity && !call.outgoing.empty()) {
      const std::string& first = call.outgoing.front();
      const std::size_t n = std::min(capacity - size, first.size() - call.offset);
      std::memcpy(out + size, first.data() + call.offset, n);
      size += n;
      call.offset += n;
      if (call.offset == first.size()) {
        call.outgoing.pop_front();
        call.offset = 0;
      }
    }
    if (call.outgoing.empty() && call.outgoing_done) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (size == 0) {
      call.deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(size);
  }
};

GrpcConnection::GrpcConnection(async::IoExecutor& executor, std::unique_ptr<Socket> socket,
                               std::size_t max_message_bytes)
    : executor_(executor), socket_(std::move(socket)), max_message_bytes_(max_message_bytes) {}

GrpcConnection::~GrpcConnection() {
  if (keepalive_timer_ != 0) executor_.cancel(keepalive_timer_);
  socket_->forget_callbacks();
  nghttp2_session_del(session_);
}

bool GrpcConnection::start() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return false;
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &Callbacks::header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Callbacks::data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Callbacks::frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Callbacks::close);
  int made = nghttp2_option_new(&option);
  if (made == 0) {
    nghttp2_option_set_no_auto_window_update(option, 1);
    made = nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
  }
  nghttp2_session_callbacks_del(callbacks);
  if (made != 0) return false;
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  heard_ = executor_.steady();
  arm_keepalive();
  schedule_pump();
  on_readable();
  return true;
}

void GrpcConnection::arm_keepalive() {
  if (keepalive_time_ == Duration(0) || broken_) return;
  keepalive_timer_ =
      executor_.call_at(heard_ + keepalive_time_ + (asked_ ? keepalive_timeout_ : Duration(0)),
                        [weak = weak_from_this()] {
                          if (const auto self = weak.lock()) self->check_alive();
                        });
}

void GrpcConnection::check_alive() {
  keepalive_timer_ = 0;
  if (broken_) return;
  const TimePoint now = executor_.steady();
  if (asked_ && now >= heard_ + keepalive_time_ + keepalive_timeout_) {
    fail_all("keepalive ping failed to receive ACK within timeout");
    return;
  }
  if (calls_.empty()) {
    heard_ = now;  // nobody waits for anything
  } else if (!asked_ && now >= heard_ + keepalive_time_) {
    asked_ = true;
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    schedule_pump();
  }
  arm_keepalive();
}

void GrpcConnection::begin(const std::shared_ptr<GrpcCall>& call, const Headers& fields) {
  if (broken_) {
    call->end({kGrpcUnavailable, "connection closed"});
    return;
  }
  std::vector<nghttp2_nv> list;
  for (const auto& [name, value] : fields.fields()) {
    list.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                    reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
                    value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  nghttp2_data_provider provider{};
  provider.source.ptr = call.get();
  provider.read_callback = &Callbacks::read_body;
  const std::int32_t id =
      nghttp2_submit_request(session_, nullptr, list.data(), list.size(), &provider, nullptr);
  if (id < 0) {
    over_ = true;  // no stream numbers left
    call->end({kGrpcUnavailable, nghttp2_strerror(id)});
    return;
  }
  call->id = id;
  calls_.emplace(id, call);
  schedule_pump();
}

void GrpcConnection::more_to_send(GrpcCall& call) {
  if (!call.deferred || broken_) return;
  call.deferred = false;
  nghttp2_session_resume_data(session_, call.id);
  schedule_pump();
}

void GrpcConnection::cancel(GrpcCall& call) {
  const auto found = calls_.find(call.id);
  if (found == calls_.end() || broken_) return;
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, call.id, NGHTTP2_CANCEL);
  schedule_pump();
}

void GrpcConnection::give_window(GrpcCall& call) {
  if (broken_ || call.owed == 0 || call.queued > kMaxQueued) return;
  nghttp2_session_consume_stream(session_, call.id, std::exchange(call.owed, 0));
  schedule_pump();
}

void GrpcConnection::on_readable() {
  char buffer[16384];
  const auto keep = shared_from_this();
  while (!broken_) {
    std::size_t size = 0;
    const Socket::Io io = socket_->read_some(buffer, sizeof buffer, size);
    if (io == Socket::Io::kAgain) {
      socket_->on_readable([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->on_readable();
      });
      break;
    }
    if (io != Socket::Io::kDone) {
      fail_all(io == Socket::Io::kEnd ? "connection closed" : socket_->last_error());
      return;
    }
    if (!feed({buffer, size})) return;
  }
  schedule_pump();
}

bool GrpcConnection::feed(std::string_view bytes) {
  heard_ = executor_.steady();
  asked_ = false;
  const auto read = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (read >= 0) return true;
  fail_all(nghttp2_strerror(static_cast<int>(read)));
  return false;
}

void GrpcConnection::take_message_bytes(GrpcCall& call, std::string_view bytes) {
  if (call.ended) {
    nghttp2_session_consume_stream(session_, call.id, bytes.size());
    return;
  }
  call.owed += bytes.size();
  call.incoming += bytes;
  std::size_t at = 0;
  while (call.incoming.size() - at >= kFrameHead) {
    const std::string_view head = std::string_view(call.incoming).substr(at, kFrameHead);
    const std::size_t size = grpc_message_size(head);
    if (head[0] != 0 || size > max_message_bytes_) {
      call.end(head[0] != 0 ? GrpcStatus{kGrpcInternal, "the answer is compressed"}
                            : GrpcStatus{kGrpcResourceExhausted,
                                         cat("received message larger than max (", size, " vs. ",
                                             max_message_bytes_, ")")});
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, call.id, NGHTTP2_CANCEL);
      return;
    }
    if (call.incoming.size() - at - kFrameHead < size) break;
    call.messages.push_back(call.incoming.substr(at + kFrameHead, size));
    call.queued += size;
    at += kFrameHead + size;
    call.changed.wake();
  }
  call.incoming.erase(0, at);
  give_window(call);
}

void GrpcConnection::finish(std::int32_t id, std::uint32_t error_code) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  const std::shared_ptr<GrpcCall> call = std::move(found->second);
  calls_.erase(found);
  if (call->code >= 0) {
    call->end({call->code, call->message, call->details});
  } else if (error_code == NGHTTP2_REFUSED_STREAM) {
    call->refused = true;
    call->end({kGrpcUnavailable, "the server refused the stream", {}, true});
  } else if (error_code == NGHTTP2_CANCEL) {
    call->end({kGrpcCanceled, "stream canceled"});
  } else if (call->http_status != 0 && call->http_status != 200) {
    call->end({code_of_http(call->http_status),
               cat("unexpected HTTP status code received from server: ", call->http_status)});
  } else {
    call->end({kGrpcInternal, cat("stream terminated by RST_STREAM with error code: ",
                                  nghttp2_http2_strerror(error_code))});
  }
}

void GrpcConnection::fail_all(const std::string& why) {
  if (broken_) return;
  broken_ = true;
  over_ = true;
  socket_->forget_callbacks();
  socket_->abort();
  auto calls = std::exchange(calls_, {});
  for (auto& [id, call] : calls) call->end({kGrpcUnavailable, why});
}

void GrpcConnection::schedule_pump() {
  if (pump_scheduled_ || broken_) return;
  pump_scheduled_ = true;
  executor_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->pump_scheduled_ = false;
    self->pump();
  });
}

void GrpcConnection::pump() {
  while (!broken_ && !write_blocked_) {
    if (out_offset_ == out_.size()) {
      out_.clear();
      out_offset_ = 0;
      while (out_.size() < kOutputBatch) {
        const std::uint8_t* data = nullptr;
        const auto size = nghttp2_session_mem_send(session_, &data);
        if (size < 0) {
          fail_all(nghttp2_strerror(static_cast<int>(size)));
          return;
        }
        if (size == 0) break;
        out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
      }
      if (out_.empty()) break;
    }
    std::size_t written = 0;
    const Socket::Io io =
        socket_->write_some(out_.data() + out_offset_, out_.size() - out_offset_, written);
    out_offset_ += written;
    if (io == Socket::Io::kAgain) {
      write_blocked_ = true;
      socket_->on_writable([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->write_blocked_ = false;
        self->pump();
      });
      return;
    }
    if (io != Socket::Io::kDone) {
      fail_all(socket_->last_error());
      return;
    }
  }
  if (broken_ || write_blocked_) return;
  if (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
    fail_all("connection closed");
  }
}

}  // namespace kpp::net
