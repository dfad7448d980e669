#include "apiserver/handlers/stream_translator.h"

#include <array>

#include "apiserver/errors.h"
#include "async/wait.h"
#include "net/spdy.h"
#include "net/websocket.h"

namespace kpp::apiserver {
namespace {

constexpr std::uint16_t kNormalClosure = 1000;
constexpr Duration kGoodbye = std::chrono::seconds(5);

enum Channel : std::uint8_t {
  kIn = 0,
  kOut = 1,
  kErr = 2,
  kStatus = 3,
  kResize = 4,
  kChannels = 5,
  kCloseSignal = 255
};
constexpr std::array<std::string_view, kChannels> kStreamTypes = {"stdin", "stdout", "stderr",
                                                                  "error", "resize"};

// One WebSocket and one connection to a kubelet, with a task for each direction.
class Bridge {
 public:
  Bridge(async::Executor& executor, std::unique_ptr<net::ByteStream> client,
         std::unique_ptr<net::ByteStream> kubelet, async::StopToken stop)
      : stop_(std::move(stop)),
        executor_(executor),
        client_(executor, std::move(client)),
        kubelet_(std::move(kubelet)),
        writing_(executor, 1),
        client_gone_(executor) {}

  async::Task<void> run() {
    std::vector<async::Task<void>> both;
    both.push_back(from_client());
    both.push_back(from_kubelet());
    co_await async::all(executor_, std::move(both));
  }

 protected:
  ~Bridge() = default;
  // A message of the client; false: the kubelet takes no more.
  virtual async::Task<bool> client_said(std::string message) = 0;
  // Bytes of the kubelet; false ends the bridge.
  virtual async::Task<bool> kubelet_said(std::string bytes) = 0;
  // The kubelet has nothing more to say.
  virtual async::Task<void> kubelet_ended() = 0;

  async::Task<bool> tell_kubelet(std::string bytes) {
    const bool mine = co_await writing_.acquire(stop_);
    if (!mine) co_return false;
    const Status written = co_await kubelet_->write(std::move(bytes), stop_);
    writing_.release();
    co_return written.ok();
  }
  async::Task<bool> tell_client(std::string message) {
    const Status written = co_await client_.write(message, stop_);
    co_return written.ok();
  }

  const async::StopToken stop_;

 private:
  async::Task<void> from_client() {
    // When the kubelet takes no more, what it said before is still on its way to the client.
    bool kubelet_listens = true;
    while (true) {
      auto message = co_await client_.read(stop_);
      if (!message || !*message) break;
      if (kubelet_listens) kubelet_listens = co_await client_said(std::move(**message));
    }
    client_gone_.set();
    kubelet_->abort();
  }

  async::Task<void> from_kubelet() {
    bool going_on = true;
    while (going_on) {
      auto bytes = co_await kubelet_->read(stop_);
      if (!bytes || bytes->empty()) break;
      going_on = co_await kubelet_said(std::move(*bytes));
    }
    if (!client_gone_.is_set()) {
      co_await kubelet_ended();
      co_await client_.close(kNormalClosure, "", stop_);
      (void)co_await client_gone_.wait_for(kGoodbye, stop_);
    }
    client_.abort();
  }

  async::Executor& executor_;
  net::WebSocket client_;
  std::unique_ptr<net::ByteStream> kubelet_;
  async::Semaphore writing_;  // to the kubelet
  async::Event client_gone_;
};

class Translator final : public Bridge {
 public:
  Translator(async::Executor& executor, std::unique_ptr<net::ByteStream> client,
             std::unique_ptr<net::ByteStream> kubelet, StreamSet streams, async::StopToken stop)
      : Bridge(executor, std::move(client), std::move(kubelet), std::move(stop)) {
    open_[kStatus] = true;
    open_[kIn] = streams.in;
    open_[kOut] = streams.out;
    open_[kErr] = streams.err && !streams.tty;
    open_[kResize] = streams.tty;
  }

  // Opens the streams on both sides. A side that is gone already is found by run().
  async::Task<void> begin() {
    std::string out;
    // Streams are opened in the order of their numbers, or the peer refuses them.
    for (const Channel channel : {kIn, kOut, kErr, kStatus, kResize}) {
      if (open_[channel])
        out +=
            encoder_.open(stream_of(channel), {{"streamtype", std::string(kStreamTypes[channel])}});
    }
    const bool opened = co_await tell_kubelet(std::move(out));
    if (!opened) co_return;
    // An empty message on the lowest channel tells the client that the streams stand.
    const Channel first = open_[kOut] ? kOut : open_[kErr] ? kErr : kStatus;
    (void)co_await tell_client(std::string(1, static_cast<char>(first)));
  }

 private:
  static std::uint32_t stream_of(std::uint8_t channel) { return 2U * channel + 1; }

  async::Task<bool> client_said(std::string message) override {
    if (message.empty()) co_return true;
    const auto channel = static_cast<std::uint8_t>(message[0]);
    if (channel == kCloseSignal) {
      if (message.size() != 2 || message[1] != kIn || !open_[kIn]) co_return true;
      open_[kIn] = false;
      co_return co_await tell_kubelet(net::SpdyEncoder::data(stream_of(kIn), "", true));
    }
    const bool ours = (channel == kIn || channel == kResize) && open_[channel];
    if (!ours || message.size() == 1) co_return true;
    co_return co_await tell_kubelet(
        net::SpdyEncoder::data(stream_of(channel), std::string_view(message).substr(1), false));
  }

  async::Task<bool> kubelet_said(std::string bytes) override {
    decoder_.feed(bytes);
    while (true) {
      auto frame = decoder_.next();
      if (!frame) {
        failure_ = cat("error reading from the kubelet: ", frame.error().message());
        co_return false;
      }
      if (!*frame) co_return true;
      const bool going_on = co_await take(std::move(**frame));
      if (!going_on) co_return false;
    }
  }

  async::Task<bool> take(net::SpdyDecoder::Frame frame) {
    if (!frame.data && frame.type == net::SpdyDecoder::kPing) {
      co_return co_await tell_kubelet(net::SpdyEncoder::ping(frame.payload));
    }
    const std::uint32_t channel = frame.stream == 0 ? kChannels : (frame.stream - 1) / 2;
    if (channel >= kChannels || frame.stream % 2 == 0) co_return true;
    if (frame.data && !frame.payload.empty()) {
      if (channel == kStatus) status_ += frame.payload;
      if (channel == kOut || channel == kErr) {
        const bool told =
            co_await tell_client(std::string(1, static_cast<char>(channel)) + frame.payload);
        if (!told) co_return false;
      }
    }
    if (frame.last || (!frame.data && frame.type == net::SpdyDecoder::kRstStream)) {
      open_[channel] = false;
      status_ended_ = status_ended_ || (channel == kStatus && frame.data);
    }
    co_return open_[kOut] || open_[kErr] || open_[kStatus];
  }

  async::Task<void> kubelet_ended() override {
    if (status_.empty()) {
      status_ =
          status_ended_ ? R"({"metadata":{},"status":"Success"})" : status_body(internal(failure_));
    }
    (void)co_await tell_client(std::string(1, static_cast<char>(kStatus)) + status_);
  }

  net::SpdyEncoder encoder_;
  net::SpdyDecoder decoder_;
  std::array<bool, kChannels> open_{};
  std::string status_;
  bool status_ended_ = false;
  std::string failure_ = "error reading from error stream: the connection to the kubelet was lost";
};

class Tunnel final : public Bridge {
 public:
  using Bridge::Bridge;

 private:
  async::Task<bool> client_said(std::string message) override {
    return tell_kubelet(std::move(message));
  }
  async::Task<bool> kubelet_said(std::string bytes) override {
    return tell_client(std::move(bytes));
  }
  async::Task<void> kubelet_ended() override { co_return; }
};

}  // namespace

async::Task<void> translate_streams(async::Executor& executor,
                                    std::unique_ptr<net::ByteStream> client,
                                    std::unique_ptr<net::ByteStream> kubelet, StreamSet streams,
                                    async::StopToken stop) {
  Translator translator(executor, std::move(client), std::move(kubelet), streams, std::move(stop));
  co_await translator.begin();
  co_await translator.run();
}

async::Task<void> refuse_streams(async::Executor& executor, std::unique_ptr<net::ByteStream> client,
                                 Status why, async::StopToken stop) {
  net::WebSocket socket(executor, std::move(client));
  std::string message(1, static_cast<char>(kStatus));
  message += status_body(why);
  const Status told = co_await socket.write(message, stop);
  if (!told.ok()) co_return;
  co_await socket.close(kNormalClosure, "", stop);
  // The client's goodbye, so that it reads all before the connection goes.
  while (true) {
    auto more = co_await socket.read(stop);
    if (!more || !*more) co_return;
  }
}

async::Task<void> tunnel(async::Executor& executor, std::unique_ptr<net::ByteStream> client,
                         std::unique_ptr<net::ByteStream> kubelet, async::StopToken stop) {
  Tunnel bridge(executor, std::move(client), std::move(kubelet), std::move(stop));
  co_await bridge.run();
}

}  // namespace kpp::apiserver
