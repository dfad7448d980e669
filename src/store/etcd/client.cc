#include "store/etcd/client.h"

#include "async/wait.h"
#include "store/etcd/errors.h"

namespace kpp::store {
namespace {

constexpr std::chrono::seconds kCallDeadline{60};
// Reads are made again for so long, one round over all members each pause.
constexpr std::chrono::milliseconds kReadAgainFor{2500};
constexpr std::chrono::milliseconds kPause{25};
constexpr std::chrono::seconds kKeepaliveTime{30};
constexpr std::chrono::seconds kKeepaliveTimeout{10};
// What etcd's own clients send at most; etcd itself takes less (--max-request-bytes).
constexpr std::size_t kMaxRequest = 2u << 20;
constexpr std::size_t kMaxAnswer = 512u << 20;

net::GrpcOptions channel_options(const net::DialOptions& dial) {
  net::GrpcOptions out;
  out.dial = dial;
  out.max_message_bytes = kMaxAnswer;
  out.keepalive_time = kKeepaliveTime;
  out.keepalive_timeout = kKeepaliveTimeout;
  return out;
}

}  // namespace

EtcdClient::EtcdClient(async::IoExecutor& executor, const std::vector<net::Endpoint>& endpoints,
                       const net::DialOptions& dial)
    : executor_(executor) {
  KPP_CHECK(!endpoints.empty(), "etcd without an endpoint");
  for (const auto& endpoint : endpoints) {
    members_.push_back(
        std::make_unique<net::GrpcChannel>(executor, endpoint, channel_options(dial)));
  }
}

void EtcdClient::leave(std::size_t member) {
  if (member == current_) current_ = (current_ + 1) % members_.size();
}

async::Task<Result<std::string>> EtcdClient::send(std::string method, std::string message,
                                                  Kind kind, async::StopToken stop) {
  if (message.size() > kMaxRequest) {
    co_return fail(
        etcd_status({net::kGrpcResourceExhausted, cat("trying to send message larger than max (",
                                                      message.size(), " vs. ", kMaxRequest, ")")}));
  }
  const TimePoint begun = executor_.steady();
  for (std::size_t tried = 1;; ++tried) {
    if (closed_) co_return fail(Reason::kCanceled, "the store is closed");
    const std::size_t member = current_;
    auto answer = co_await members_[member]->unary(
        method, message, kCallDeadline - (executor_.steady() - begun), stop);
    if (answer) co_return std::move(*answer);
    if (closed_) co_return fail(Reason::kCanceled, "the store is closed");
    const net::GrpcStatus& error = answer.error();
    if (error.code != net::kGrpcUnavailable) co_return fail(etcd_status(error));
    leave(member);
    const bool again = kind == Kind::kRead ? executor_.steady() - begun < kReadAgainFor
                                           : error.unsent && tried < members_.size();
    if (!again) co_return fail(etcd_status(error));
    if (tried % members_.size() != 0) continue;
    const bool slept = co_await async::sleep_for(executor_, kPause, stop);
    if (!slept) co_return fail(Reason::kCanceled, "the caller stopped");
  }
}

async::Task<net::GrpcResult<std::unique_ptr<net::GrpcStream>>> EtcdClient::watch_stream(
    async::StopToken stop) {
  const std::size_t member = current_;
  net::Headers metadata;
  metadata.add("hasleader", "true");
  auto stream = co_await members_[member]->stream("/etcdserverpb.Watch/Watch", std::move(metadata),
                                                  std::move(stop));
  if (!stream) leave(member);
  co_return stream;
}

async::Task<void> EtcdClient::close() {
  closed_ = true;
  for (auto& member : members_) co_await member->close();
}

}  // namespace kpp::store
