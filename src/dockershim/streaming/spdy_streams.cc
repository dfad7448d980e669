#include <array>
#include <deque>

#include "dockershim/streaming/remote_streams.h"
#include "dockershim/time_limit.h"
#include "net/spdy_session.h"

namespace kpp::dockershim {
namespace {

constexpr Duration kOpening = std::chrono::seconds(30);

enum Part : std::uint8_t { kError, kIn, kOut, kErr, kResize, kParts };
constexpr std::array<std::string_view, kParts> kNames = {"error", "stdin", "stdout", "stderr",
                                                         "resize"};

class SpdyStreams final : public RemoteStreams {
 public:
  SpdyStreams(async::Executor& executor, std::unique_ptr<net::ByteStream> connection,
              const std::string& protocol, StreamSet set)
      : session_(executor, std::move(connection)),
        tells_json_(protocol == "v4.channel.k8s.io"),
        needed_{true, set.in, set.out, set.err && !set.tty,
                set.tty && (tells_json_ || protocol == "v3.channel.k8s.io")} {}

  // Until all streams that are needed stand.
  async::Task<Status> open(async::StopToken stop) {
    while (!all_open()) {
      KPP_CO_ASSIGN(auto event, co_await session_.next(stop));
      if (!event) co_return Status(Reason::kIo, "the client went before its streams stood");
      if (event->kind != net::SpdySession::Event::kOpened) {
        early_.push_back(std::move(*event));
        continue;
      }
      const std::string_view type = event->header("streamType");
      std::size_t part = 0;
      while (part < kParts && kNames[part] != type) ++part;
      if (part == kParts)
        co_return Status(Reason::kBadRequest, cat("invalid stream type: ", quoted(type)));
      ids_[part] = event->stream;
    }
    co_return Status();
  }

  async::Task<Result<std::optional<RemoteInput>>> read(async::StopToken stop) override {
    for (;;) {
      std::optional<net::SpdySession::Event> event;
      if (!early_.empty()) {
        event = std::move(early_.front());
        early_.pop_front();
      } else {
        KPP_CO_ASSIGN(event, co_await session_.next(stop));
      }
      if (!event) co_return std::nullopt;
      if (auto input = input_of(std::move(*event))) co_return input;
    }
  }

  async::Task<Status> write(bool is_error, std::string bytes, async::StopToken stop) override {
    const std::uint32_t id = ids_[is_error ? kErr : kOut];
    if (id == 0) co_return Status();
    co_return co_await session_.write(id, std::move(bytes), false, std::move(stop));
  }

  async::Task<void> finish(RemoteEnd end, async::StopToken stop) override {
    for (const Part part : {kOut, kErr}) {
      if (ids_[part] != 0) (void)co_await session_.write(ids_[part], "", true, stop);
    }
    std::string last = tells_json_ ? std::move(end.status) : std::move(end.error);
    (void)co_await session_.write(ids_[kError], std::move(last), true, stop);
    co_await session_.close_write();
  }

  void abort() override { session_.abort(); }

 private:
  bool all_open() const {
    for (std::size_t part = 0; part < kParts; ++part) {
      if (needed_[part] && ids_[part] == 0) return false;
    }
    return true;
  }

  // nullopt for what nobody waits for.
  std::optional<RemoteInput> input_of(net::SpdySession::Event event) {
    using Event = net::SpdySession::Event;
    if (event.kind == Event::kData && event.stream == ids_[kResize] && ids_[kResize] != 0) {
      sizes_ += event.bytes;
      // A document a line.
      const std::size_t end = sizes_.rfind('}');
      if (end == std::string::npos) return std::nullopt;
      const std::size_t begin = sizes_.rfind('{', end);
      auto out = begin == std::string::npos
                     ? std::nullopt
                     : parse_resize(std::string_view(sizes_).substr(begin, end - begin + 1));
      sizes_.erase(0, end + 1);
      return out;
    }
    if (event.stream != ids_[kIn] || ids_[kIn] == 0) return std::nullopt;
    RemoteInput out;
    if (event.kind == Event::kData) {
      out.bytes = std::move(event.bytes);
      return out;
    }
    out.kind = RemoteInput::kEnd;
    return out;
  }

  net::SpdySession session_;
  const bool tells_json_;
  const std::array<bool, kParts> needed_;
  std::array<std::uint32_t, kParts> ids_{};
  std::deque<net::SpdySession::Event> early_;  // what came before all streams stood
  std::string sizes_;
};

}  // namespace

async::Task<Result<std::unique_ptr<RemoteStreams>>> open_spdy_streams(
    async::Executor& executor, std::unique_ptr<net::ByteStream> connection, std::string protocol,
    StreamSet set, async::StopToken stop) {
  auto out = std::make_unique<SpdyStreams>(executor, std::move(connection), protocol, set);
  const TimeLimit limit(executor, kOpening, stop);
  Status opened = co_await out->open(limit.token());
  if (limit.over())
    co_return fail(Reason::kTimeout, "timed out waiting for client to create streams");
  if (!opened.ok()) co_return fail(std::move(opened));
  co_return std::unique_ptr<RemoteStreams>(std::move(out));
}

}  // namespace kpp::dockershim
