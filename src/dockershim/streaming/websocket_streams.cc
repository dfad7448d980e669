#include "dockershim/streaming/remote_streams.h"
#include "net/websocket.h"

namespace kpp::dockershim {
namespace {

enum Channel : std::uint8_t { kIn = 0, kOut = 1, kErr = 2, kStatus = 3, kResize = 4, kClose = 255 };
constexpr std::uint16_t kNormalClosure = 1000;

std::string message_of(Channel channel, std::string_view bytes) {
  return cat(static_cast<char>(channel), bytes);
}

class WebsocketStreams final : public RemoteStreams {
 public:
  WebsocketStreams(async::Executor& executor, std::unique_ptr<net::ByteStream> connection,
                   const std::string& protocol, StreamSet set)
      : socket_(executor, std::move(connection)),
        tells_json_(protocol.starts_with("v4.") || protocol.starts_with("v5.")),
        set_(set) {}

  // An empty message on the lowest channel tells the client that the streams stand.
  async::Task<Status> open(async::StopToken stop) {
    const Channel first = set_.out ? kOut : set_.err ? kErr : kStatus;
    return socket_.write(message_of(first, ""), std::move(stop));
  }

  async::Task<Result<std::optional<RemoteInput>>> read(async::StopToken stop) override {
    for (;;) {
      KPP_CO_ASSIGN(auto message, co_await socket_.read(stop));
      if (!message) co_return std::nullopt;
      if (message->empty()) continue;
      const auto channel = static_cast<std::uint8_t>((*message)[0]);
      RemoteInput out;
      if (channel == kResize && set_.tty) {
        auto size = parse_resize(std::string_view(*message).substr(1));
        if (size) co_return size;
      } else if (channel == kIn && set_.in && message->size() > 1) {
        out.bytes = message->substr(1);
        co_return out;
      } else if (channel == kClose && message->size() == 2 && (*message)[1] == kIn && set_.in) {
        out.kind = RemoteInput::kEnd;
        co_return out;
      }
    }
  }

  async::Task<Status> write(bool is_error, std::string bytes, async::StopToken stop) override {
    const bool wanted = is_error ? set_.err && !set_.tty : set_.out;
    if (!wanted) co_return Status();
    co_return co_await socket_.write(message_of(is_error ? kErr : kOut, bytes), std::move(stop));
  }

  async::Task<void> finish(RemoteEnd end, async::StopToken stop) override {
    const std::string& last = tells_json_ ? end.status : end.error;
    if (!last.empty()) (void)co_await socket_.write(message_of(kStatus, last), stop);
    co_await socket_.close(kNormalClosure, "", std::move(stop));
  }

  void abort() override { socket_.abort(); }

 private:
  net::WebSocket socket_;
  const bool tells_json_;
  const StreamSet set_;
};

}  // namespace

async::Task<Result<std::unique_ptr<RemoteStreams>>> open_websocket_streams(
    async::Executor& executor, std::unique_ptr<net::ByteStream> connection, std::string protocol,
    StreamSet set, async::StopToken stop) {
  auto out = std::make_unique<WebsocketStreams>(executor, std::move(connection), protocol, set);
  Status opened = co_await out->open(std::move(stop));
  if (!opened.ok()) co_return fail(std::move(opened));
  co_return std::unique_ptr<RemoteStreams>(std::move(out));
}

}  // namespace kpp::dockershim
