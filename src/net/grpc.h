// A gRPC client over HTTP/2: single calls and streams, on one connection.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "async/executor.h"
#include "net/dial.h"

namespace kpp::net {

// How a call ended: gRPC's own code and message.
struct GrpcStatus {
  int code = 0;  // 0 is OK, 5 not found, 14 unavailable, ...
  std::string message;
  std::string details;  // a serialised google.rpc.Status; empty: none
  bool unsent = false;  // the server has not seen the call: it may be made again

  std::string to_string() const;  // "rpc error: code = NotFound desc = ..."
  // The reason that fits best; the message is to_string()'s.
  Status to_status() const;
};

inline constexpr int kGrpcCanceled = 1;
inline constexpr int kGrpcUnknown = 2;
inline constexpr int kGrpcInvalidArgument = 3;
inline constexpr int kGrpcDeadlineExceeded = 4;
inline constexpr int kGrpcNotFound = 5;
inline constexpr int kGrpcAlreadyExists = 6;
inline constexpr int kGrpcResourceExhausted = 8;
inline constexpr int kGrpcFailedPrecondition = 9;
inline constexpr int kGrpcUnimplemented = 12;
inline constexpr int kGrpcInternal = 13;
inline constexpr int kGrpcUnavailable = 14;

template <class T>
using GrpcResult = std::expected<T, GrpcStatus>;

struct GrpcOptions {
  DialOptions dial;
  std::size_t max_message_bytes = 16u << 20;  // of answers
  Headers metadata;                           // sent with every call
  // With calls running and nothing heard for so long the connection is asked whether it lives, and
  // is given up if it does not answer. 0: never.
  Duration keepalive_time{0};
  Duration keepalive_timeout = std::chrono::seconds(10);
};

// A call with messages both ways. Destroying it cancels the call.
class GrpcStream {
 public:
  virtual ~GrpcStream() = default;
  // Queues a message; false if the call is over.
  virtual bool send(std::string message) = 0;
  // No more messages of ours follow.
  virtual void finish_sending() = 0;
  // The next message; nullopt if the call ended well.
  virtual async::Task<GrpcResult<std::optional<std::string>>> next(async::StopToken stop) = 0;
};

// Calls the methods of one server; messages are serialised protobufs.
//
// Guarantees: calls share one connection, which is made at the first call and anew after it was
// lost. A server that
//   cannot be reached is an error (code 14) at once, never a wait.
// Ownership: the executor must outlive it. Streams must go before the channel does.
// Runs on: the executor.
// Stop: close() ends all calls with code 14 and returns when nothing runs; needed before
// destruction.
class GrpcChannel {
 public:
  GrpcChannel(async::IoExecutor& executor, Endpoint endpoint, GrpcOptions options);
  ~GrpcChannel();
  GrpcChannel(const GrpcChannel&) = delete;
  GrpcChannel& operator=(const GrpcChannel&) = delete;

  // `method` is "/package.Service/Method". The deadline goes to the server too.
  async::Task<GrpcResult<std::string>> unary(std::string method, std::string message,
                                             Duration deadline, async::StopToken stop);
  // A call without a deadline; the caller sends with GrpcStream::send(). The metadata goes with it
  // beside what every call has.
  async::Task<GrpcResult<std::unique_ptr<GrpcStream>>> stream(std::string method, Headers metadata,
                                                              async::StopToken stop);
  async::Task<GrpcResult<std::unique_ptr<GrpcStream>>> stream(std::string method,
                                                              async::StopToken stop) {
    return stream(std::move(method), {}, std::move(stop));
  }
  async::Task<void> close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kpp::net
