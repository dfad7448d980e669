// One HTTP/2 connection that carries gRPC calls. Included by the gRPC client's sources only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "async/wait.h"
#include "net/grpc.h"
#include "net/socket.h"

struct nghttp2_session;

namespace kpp::net {

// The state of a call. Shared by the connection, until the call ends, and by the caller.
struct GrpcCall {
  explicit GrpcCall(async::Executor& executor) : changed(executor) {}

  std::int32_t id = -1;
  // To the server.
  std::deque<std::string> outgoing;  // framed messages
  std::size_t offset = 0;            // into the first
  bool outgoing_done = false;
  bool deferred = false;
  // From the server.
  std::string incoming;              // bytes of a message that is not whole
  std::deque<std::string> messages;  // whole ones
  std::size_t queued = 0;            // bytes in messages
  std::size_t owed = 0;              // received bytes that the server may not send again yet
  bool refused = false;              // the server has not looked at the call
  int http_status = 0;
  int code = -1;  // grpc-status
  std::string message;
  std::string details;
  bool ended = false;
  GrpcStatus status;  // once ended
  async::Waiter changed;

  void end(GrpcStatus with) {
    if (ended) return;
    ended = true;
    status = std::move(with);
    changed.wake();
  }
};

// Runs on: its executor. Ownership: held by std::shared_ptr, by the channel and by callbacks in the
// executor's queue.
class GrpcConnection : public std::enable_shared_from_this<GrpcConnection> {
 public:
  GrpcConnection(async::IoExecutor& executor, std::unique_ptr<Socket> socket,
                 std::size_t max_message_bytes);
  ~GrpcConnection();
  GrpcConnection(const GrpcConnection&) = delete;
  GrpcConnection& operator=(const GrpcConnection&) = delete;

  bool start();
  // See GrpcOptions. Called before start().
  void keep_alive(Duration time, Duration timeout) {
    keepalive_time_ = time;
    keepalive_timeout_ = timeout;
  }
  // Takes no new calls: lost, or the server said goodbye.
  bool over() const { return over_; }
  // Sends the head of a call; its messages are taken from call->outgoing.
  void begin(const std::shared_ptr<GrpcCall>& call, const Headers& fields);
  void more_to_send(GrpcCall& call);
  void cancel(GrpcCall& call);
  // The caller has taken messages: the server may send more.
  void give_window(GrpcCall& call);
  void fail_all(const std::string& why);

 private:
  struct Callbacks;
  void on_readable();
  bool feed(std::string_view bytes);
  void schedule_pump();
  void pump();
  void take_message_bytes(GrpcCall& call, std::string_view bytes);
  void finish(std::int32_t id, std::uint32_t error_code);
  void arm_keepalive();
  void check_alive();

  async::IoExecutor& executor_;
  std::unique_ptr<Socket> socket_;
  const std::size_t max_message_bytes_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::shared_ptr<GrpcCall>> calls_;  // shared with callers
  std::string out_;
  std::size_t out_offset_ = 0;
  bool pump_scheduled_ = false;
  bool write_blocked_ = false;
  bool over_ = false;
  bool broken_ = false;
  Duration keepalive_time_{0}, keepalive_timeout_{0};
  TimePoint heard_;     // when bytes last came
  bool asked_ = false;  // a ping is out since bytes last came
  async::TimerId keepalive_timer_ = 0;
};

// A message with gRPC's five bytes in front.
std::string grpc_frame(std::string_view message);
// What those five bytes say of the message's size.
std::size_t grpc_message_size(std::string_view frame);

}  // namespace kpp::net
