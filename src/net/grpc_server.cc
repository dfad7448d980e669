#include "net/grpc_server.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "net/grpc_connection.h"
#include "net/grpc_details.h"
#include "net/text.h"
#include "net/trailers.h"

namespace kpp::net {
namespace {

constexpr std::size_t kFrameHead = 5;
constexpr std::string_view kContentType = "application/grpc";
// Clients keep one connection and are surprised by the end of an idle one.
constexpr Duration kIdle = std::chrono::hours(24);

std::unexpected<GrpcStatus> refuse(int code, std::string message) {
  return std::unexpected(GrpcStatus{code, std::move(message)});
}

// "application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"
bool is_grpc(std::string_view type) {
  if (!type.starts_with(kContentType)) return false;
  type.remove_prefix(kContentType.size());
  return type.empty() || type[0] == '+' || type[0] == ';';
}

Headers trailers_of(const GrpcStatus& status) {
  Headers out;
  out.add("grpc-status", cat(status.code));
  if (!status.message.empty()) out.add("grpc-message", escape_grpc_message(status.message));
  if (!status.details.empty()) out.add("grpc-status-details-bin", encode_details(status.details));
  return out;
}

SharedBytes framed(std::string_view message) {
  return std::make_shared<const std::string>(grpc_frame(message));
}

GrpcStatus too_large(std::size_t size, std::size_t limit) {
  return {kGrpcResourceExhausted,
          cat("trying to send message larger than max (", size, " vs. ", limit, ")")};
}

}  // namespace

// What a call has beside its method: its stop token, which knows of the caller's deadline.
struct GrpcService::Call {
  Call(async::Executor& e, const async::StopToken& given, std::optional<Duration> timeout)
      : executor(e), on_stop(given, [this] { source.request_stop(); }) {
    if (!timeout) return;
    timer = executor.call_at(executor.steady() + *timeout, [this] {
      timer.reset();
      late = true;
      source.request_stop();
    });
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() {
    if (timer) executor.cancel(*timer);
  }

  // An error of a method that was too late is the caller's deadline.
  GrpcStatus end(GrpcStatus status) const {
    if (status.code == 0 || !late) return status;
    return {kGrpcDeadlineExceeded, "context deadline exceeded"};
  }

  async::Executor& executor;
  async::StopSource source;
  bool late = false;
  std::optional<async::TimerId> timer;
  const async::StopCallback on_stop;
};

// At most one message, then the status.
class GrpcService::UnaryAnswer final : public TrailedSource {
 public:
  UnaryAnswer(SharedBytes frame, GrpcStatus status)
      : frame_(std::move(frame)), status_(std::move(status)) {}

  async::Task<Result<SharedBytes>> next(async::StopToken) override {
    co_return std::exchange(frame_, nullptr);
  }
  Headers trailers() override { return trailers_of(status_); }

 private:
  SharedBytes frame_;
  const GrpcStatus status_;
};

class GrpcService::StreamAnswer final : public TrailedSource {
 public:
  StreamAnswer(std::unique_ptr<Call> call, std::unique_ptr<GrpcMessages> messages,
               std::size_t limit)
      : call_(std::move(call)), messages_(std::move(messages)), limit_(limit) {}

  async::Task<Result<SharedBytes>> next(async::StopToken) override {
    auto message = co_await messages_->next(call_->source.token());
    if (!message) {
      status_ = call_->end(std::move(message).error());
      co_return SharedBytes();
    }
    if (!*message) co_return SharedBytes();
    if ((*message)->size() > limit_) {
      status_ = too_large((*message)->size(), limit_);
      co_return SharedBytes();
    }
    co_return framed(**message);
  }
  Headers trailers() override { return trailers_of(status_); }

 private:
  const std::unique_ptr<Call> call_;
  const std::unique_ptr<GrpcMessages> messages_;
  const std::size_t limit_;
  GrpcStatus status_;
};

GrpcService::GrpcService(async::Executor& executor, GrpcServiceOptions options)
    : executor_(executor), options_(options) {}

void GrpcService::add(std::string method, GrpcMethod unary) {
  unary_.insert_or_assign(std::move(method), std::move(unary));
}

void GrpcService::add_stream(std::string method, GrpcStreamMethod stream) {
  streams_.insert_or_assign(std::move(method), std::move(stream));
}

ServerOptions GrpcService::server_options() const {
  ServerOptions out;
  out.max_body_bytes = options_.max_request_bytes + kFrameHead;
  out.idle_timeout = kIdle;
  return out;
}

GrpcStatus GrpcService::unknown(const std::string& method) const {
  const std::size_t slash = method.rfind('/');
  if (slash == 0 || slash == std::string::npos)
    return {kGrpcUnimplemented, cat("malformed method name: ", quoted(method))};
  const std::string service = method.substr(0, slash + 1);
  const auto knows = [&](const auto& methods) {
    const auto found = methods.lower_bound(service);
    return found != methods.end() && found->first.starts_with(service);
  };
  const std::string name = service.substr(1, slash - 1);
  if (!knows(unary_) && !knows(streams_))
    return {kGrpcUnimplemented, cat("unknown service ", name)};
  return {kGrpcUnimplemented,
          cat("unknown method ", method.substr(slash + 1), " for service ", name)};
}

async::Task<Response> GrpcService::handle(Request request, async::StopToken stop) {
  if (request.method != "POST") {
    co_return Response::text(
        405, "text/plain; charset=utf-8",
        cat("Received a HTTP ", request.method, " request; gRPC calls are ", "sent with POST\n"));
  }
  if (const auto type = request.headers.get("content-type"); !is_grpc(type)) {
    co_return Response::text(415, "text/plain; charset=utf-8",
                             cat("invalid gRPC request content-type ", quoted(type), "\n"));
  }
  Response out;
  out.headers.add("content-type", std::string(kContentType));
  const GrpcStatus failed = co_await start(std::move(request), std::move(stop), out);
  if (!out.stream) out.stream = std::make_unique<UnaryAnswer>(nullptr, failed);
  co_return out;
}

// Sets the answer's stream, or gives the status that the call ends with.
async::Task<GrpcStatus> GrpcService::start(Request request, async::StopToken stop, Response& out) {
  const auto unary = unary_.find(request.path);
  const auto stream = streams_.find(request.path);
  if (unary == unary_.end() && stream == streams_.end()) co_return unknown(request.path);
  std::optional<Duration> timeout;
  if (const std::string* text = request.headers.find("grpc-timeout")) {
    timeout = parse_grpc_timeout(*text);
    if (!timeout)
      co_return GrpcStatus{kGrpcInternal, cat("malformed grpc-timeout: ", quoted(*text))};
  }
  if (request.body_too_large) {
    co_return GrpcStatus{
        kGrpcResourceExhausted,
        cat("grpc: received message larger than max (more than ", options_.max_request_bytes, ")")};
  }
  auto message = read_grpc_message(request.body, request.headers, options_.max_request_bytes);
  if (!message) co_return std::move(message).error();
  std::string().swap(request.body);
  auto call = std::make_unique<Call>(executor_, stop, timeout);
  if (stream != streams_.end()) {
    out.stream = std::make_unique<StreamAnswer>(
        std::move(call), stream->second(std::move(*message)), options_.max_answer_bytes);
    co_return GrpcStatus{};
  }
  auto answer = co_await unary->second(std::move(*message), call->source.token());
  if (!answer) co_return call->end(std::move(answer).error());
  if (answer->size() > options_.max_answer_bytes)
    co_return too_large(answer->size(), options_.max_answer_bytes);
  out.stream = std::make_unique<UnaryAnswer>(framed(*answer), GrpcStatus{});
  co_return GrpcStatus{};
}

GrpcResult<std::string> read_grpc_message(std::string_view body, const Headers& headers,
                                          std::size_t max_bytes) {
  if (body.size() < kFrameHead)
    return refuse(kGrpcInternal, body.empty() ? "the call has no message" : "unexpected EOF");
  if (body[0] != 0) {
    if (body[0] != 1)
      return refuse(kGrpcInternal, "grpc: received unexpected payload format " +
                                       cat(static_cast<int>(static_cast<unsigned char>(body[0]))));
    const std::string_view encoding = headers.get("grpc-encoding");
    if (encoding.empty() || encoding == "identity") {
      return refuse(kGrpcInternal, "grpc: compressed flag set with identity or empty encoding");
    }
    return refuse(kGrpcUnimplemented,
                  cat("grpc: Decompressor is not installed for grpc-encoding ", quoted(encoding)));
  }
  const std::size_t size = grpc_message_size(body);
  if (size > max_bytes) {
    return refuse(kGrpcResourceExhausted,
                  cat("grpc: received message larger than max (", size, " vs. ", max_bytes, ")"));
  }
  body.remove_prefix(kFrameHead);
  if (body.size() < size) return refuse(kGrpcInternal, "unexpected EOF");
  if (body.size() > size) return refuse(kGrpcUnimplemented, "the call has more than one message");
  return std::string(body);
}

std::optional<Duration> parse_grpc_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  const char unit = text.back();
  text.remove_suffix(1);
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || text[0] == '-')
    return std::nullopt;
  std::int64_t each = 0;
  switch (unit) {
    case 'n':
      each = 1;
      break;
    case 'u':
      each = 1'000;
      break;
    case 'm':
      each = 1'000'000;
      break;
    case 'S':
      each = 1'000'000'000;
      break;
    case 'M':
      each = 60'000'000'000;
      break;
    case 'H':
      each = 3'600'000'000'000;
      break;
    default:
      return std::nullopt;
  }
  // Of hours eight digits are more than a duration holds, and more than the clock has left.
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;
  return Duration(number > kMost / each ? kMost : number * each);
}

std::string escape_grpc_message(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace kpp::net
