#include "net/grpc.h"

#include <algorithm>

#include "async/wait.h"
#include "net/grpc_connection.h"

namespace kpp::net {
namespace {

constexpr std::string_view kCodeNames[] = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};

Reason reason_of(int code) {
  switch (code) {
    case 1:
      return Reason::kCanceled;
    case 3:
      return Reason::kBadRequest;
    case 4:
      return Reason::kTimeout;
    case 5:
      return Reason::kNotFound;
    case 6:
      return Reason::kAlreadyExists;
    case 7:
      return Reason::kForbidden;
    case 8:
      return Reason::kTooManyRequests;
    case 9:
    case 10:
      return Reason::kConflict;
    case 12:
      return Reason::kMethodNotAllowed;
    case 14:
      return Reason::kServiceUnavailable;
    case 16:
      return Reason::kUnauthorized;
    default:
      return Reason::kInternalError;
  }
}

std::unexpected<GrpcStatus> ended(int code, std::string message, bool unsent = false) {
  return std::unexpected(GrpcStatus{code, std::move(message), {}, unsent});
}

// "100m" is 100 milliseconds; at most eight digits.
std::string timeout_text(Duration time) {
  const auto milliseconds =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(time).count());
  if (milliseconds < 100'000'000) return cat(milliseconds, "m");
  return cat(std::min<std::int64_t>(milliseconds / 1000, 99'999'999), "S");
}

// A call that was begun on a connection.
struct Begun {
  std::shared_ptr<GrpcConnection> connection;  // shared with the channel
  std::shared_ptr<GrpcCall> call;              // shared with the connection
};

// Waits for the next message or the end.
async::Task<GrpcResult<std::optional<std::string>>> next_message(Begun begun,
                                                                 std::optional<TimePoint> deadline,
                                                                 async::StopToken stop) {
  GrpcCall& call = *begun.call;
  for (;;) {
    if (!call.messages.empty()) {
      std::string message = std::move(call.messages.front());
      call.messages.pop_front();
      call.queued -= message.size();
      if (!call.ended) begun.connection->give_window(call);
      co_return std::optional<std::string>(std::move(message));
    }
    if (call.ended) {
      if (call.status.code == 0) co_return std::nullopt;
      co_return std::unexpected(call.status);
    }
    const auto outcome = co_await call.changed.wait_until(deadline, stop);
    if (outcome == async::Waiter::Outcome::kWoken) continue;
    begun.connection->cancel(call);
    if (outcome == async::Waiter::Outcome::kStopped)
      co_return ended(kGrpcCanceled, "context canceled");
    co_return ended(kGrpcDeadlineExceeded, "context deadline exceeded");
  }
}

class Stream final : public GrpcStream {
 public:
  explicit Stream(Begun begun) : begun_(std::move(begun)) {}
  ~Stream() override {
    if (!begun_.call->ended) begun_.connection->cancel(*begun_.call);
  }

  bool send(std::string message) override {
    if (begun_.call->ended || begun_.call->outgoing_done) return false;
    begun_.call->outgoing.push_back(grpc_frame(message));
    begun_.connection->more_to_send(*begun_.call);
    return true;
  }

  void finish_sending() override {
    begun_.call->outgoing_done = true;
    if (!begun_.call->ended) begun_.connection->more_to_send(*begun_.call);
  }

  async::Task<GrpcResult<std::optional<std::string>>> next(async::StopToken stop) override {
    return next_message(begun_, std::nullopt, std::move(stop));
  }

 private:
  const Begun begun_;
};

}  // namespace

std::string GrpcStatus::to_string() const {
  const bool known = code >= 0 && code < static_cast<int>(std::size(kCodeNames));
  return cat("rpc error: code = ", known ? std::string(kCodeNames[code]) : cat("Code(", code, ")"),
             " desc = ", message);
}

Status GrpcStatus::to_status() const {
  return code == 0 ? Status() : Status(reason_of(code), to_string());
}

struct GrpcChannel::Impl {
  Impl(async::IoExecutor& e, Endpoint to, GrpcOptions o)
      : executor(e), endpoint(std::move(to)), options(std::move(o)), connecting(e, 1), idle(e) {}

  async::IoExecutor& executor;
  const Endpoint endpoint;
  const GrpcOptions options;
  std::shared_ptr<GrpcConnection> connection;  // shared with streams
  async::Semaphore connecting;
  async::Event idle;
  async::StopSource closing;
  int running = 0;

  async::Task<GrpcResult<std::shared_ptr<GrpcConnection>>> connect(Duration timeout,
                                                                   async::StopToken stop) {
    const bool turn = co_await connecting.acquire(stop);
    if (!turn) co_return ended(kGrpcCanceled, "context canceled");
    if (!connection || connection->over()) {
      DialOptions dial_options = options.dial;
      dial_options.timeout = std::min(dial_options.timeout, timeout);
      auto socket = co_await dial(executor, endpoint, dial_options, stop);
      if (!socket) {
        connecting.release();
        const bool canceled = socket.error().is(Reason::kCanceled);
        co_return ended(
            canceled ? kGrpcCanceled : kGrpcUnavailable,
            cat("connection error: desc = ",
                quoted(cat("transport: Error while dialing: ", socket.error().message()))),
            true);
      }
      connection =
          std::make_shared<GrpcConnection>(executor, std::move(*socket), options.max_message_bytes);
      connection->keep_alive(options.keepalive_time, options.keepalive_timeout);
      if (!connection->start()) connection->fail_all("cannot start HTTP/2");
    }
    auto out = connection;
    connecting.release();
    co_return out;
  }

  async::Task<GrpcResult<Begun>> begin(std::string method, Headers metadata,
                                       std::optional<std::string> message, Duration timeout,
                                       bool tell_timeout, async::StopToken stop) {
    if (closing.stop_requested()) co_return ended(kGrpcUnavailable, "the channel is closed", true);
    auto to = co_await connect(timeout, stop);
    if (!to) co_return std::unexpected(std::move(to).error());
    if (closing.stop_requested()) co_return ended(kGrpcUnavailable, "the channel is closed", true);
    Headers fields;
    fields.add(":method", "POST");
    fields.add(":scheme", endpoint.tls ? "https" : "http");
    fields.add(":path", method);
    fields.add(":authority", endpoint.authority());
    fields.add("content-type", "application/grpc");
    fields.add("te", "trailers");
    if (tell_timeout) fields.add("grpc-timeout", timeout_text(timeout));
    for (const auto& [name, value] : options.metadata.fields()) fields.add(name, value);
    for (const auto& [name, value] : metadata.fields()) fields.add(name, value);
    auto call = std::make_shared<GrpcCall>(executor);
    if (message) {
      call->outgoing.push_back(grpc_frame(*message));
      call->outgoing_done = true;
    }
    (*to)->begin(call, fields);
    co_return Begun{*to, call};
  }

  async::Task<GrpcResult<std::string>> unary(std::string method, std::string message,
                                             TimePoint deadline, async::StopToken stop) {
    for (bool again = false;; again = true) {
      const Duration left =
          std::max(Duration(std::chrono::milliseconds(1)), deadline - executor.steady());
      auto begun = co_await begin(method, {}, message, left, true, stop);
      if (!begun) co_return std::unexpected(std::move(begun).error());
      auto answer = co_await next_message(*begun, deadline, stop);
      if (!answer) {
        if (begun->call->refused && !again) continue;
        co_return std::unexpected(std::move(answer).error());
      }
      if (!*answer) co_return ended(kGrpcInternal, "the server ended the call without a message");
      // The status follows the message and decides.
      auto end = co_await next_message(*begun, deadline, stop);
      if (!end) co_return std::unexpected(std::move(end).error());
      if (*end) co_return ended(kGrpcInternal, "the server sent more than one message");
      co_return std::move(**answer);
    }
  }
};

GrpcChannel::GrpcChannel(async::IoExecutor& executor, Endpoint endpoint, GrpcOptions options)
    : impl_(std::make_unique<Impl>(executor, std::move(endpoint), std::move(options))) {}

GrpcChannel::~GrpcChannel() {
  if (impl_->connection) impl_->connection->fail_all("the channel is closed");
  KPP_CHECK(impl_->running == 0, "a gRPC channel was destroyed with ", impl_->running,
            " calls running");
}

async::Task<GrpcResult<std::string>> GrpcChannel::unary(std::string method, std::string message,
                                                        Duration deadline, async::StopToken stop) {
  Impl* const impl = impl_.get();
  ++impl->running;
  auto out = co_await impl->unary(std::move(method), std::move(message),
                                  impl->executor.steady() + deadline, std::move(stop));
  if (--impl->running == 0) impl->idle.pulse();
  co_return out;
}

async::Task<GrpcResult<std::unique_ptr<GrpcStream>>> GrpcChannel::stream(std::string method,
                                                                         Headers metadata,
                                                                         async::StopToken stop) {
  Impl* const impl = impl_.get();
  ++impl->running;
  auto begun = co_await impl->begin(std::move(method), std::move(metadata), std::nullopt,
                                    impl->options.dial.timeout, false, std::move(stop));
  if (--impl->running == 0) impl->idle.pulse();
  if (!begun) co_return std::unexpected(std::move(begun).error());
  co_return std::make_unique<Stream>(std::move(*begun));
}

async::Task<void> GrpcChannel::close() {
  impl_->closing.request_stop();
  if (impl_->connection) impl_->connection->fail_all("the channel is closed");
  while (impl_->running > 0) co_await impl_->idle.wait({});
}

}  // namespace kpp::net
