#include "net/spdy_session.h"

#include "net/text.h"

namespace kpp::net {
namespace {

// Of a SYN_STREAM, in front of its header block: two stream numbers, priority, slot.
constexpr std::size_t kOpenHead = 10;

}  // namespace

std::string_view SpdySession::Event::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return {};
}

async::Task<Status> SpdySession::send(std::string frames, async::StopToken stop) {
  const bool mine = co_await writing_.acquire(stop);
  if (!mine) co_return Status(Reason::kCanceled, "context canceled");
  Status written = co_await connection_->write(std::move(frames), std::move(stop));
  writing_.release();
  co_return written;
}

async::Task<Status> SpdySession::write(std::uint32_t stream, std::string bytes, bool last,
                                       async::StopToken stop) {
  return send(SpdyEncoder::data(stream, bytes, last), std::move(stop));
}

async::Task<Result<std::optional<SpdySession::Event>>> SpdySession::next(async::StopToken stop) {
  for (;;) {
    if (!events_.empty()) {
      Event event = std::move(events_.front());
      events_.pop_front();
      co_return event;
    }
    KPP_CO_ASSIGN(auto frame, decoder_.next());
    if (frame) {
      KPP_CO_RETURN_IF_ERROR(co_await take(std::move(*frame), stop));
      continue;
    }
    KPP_CO_ASSIGN(const std::string bytes, co_await connection_->read(stop));
    if (bytes.empty()) co_return std::nullopt;
    decoder_.feed(bytes);
  }
}

// Turns a frame into events, or answers it.
async::Task<Status> SpdySession::take(SpdyDecoder::Frame frame, async::StopToken stop) {
  if (frame.data) {
    if (!frame.payload.empty())
      events_.push_back({Event::kData, frame.stream, {}, std::move(frame.payload)});
    if (frame.last) events_.push_back({Event::kEnded, frame.stream, {}, {}});
    co_return Status();
  }
  switch (frame.type) {
    case SpdyDecoder::kSynStream: {
      if (frame.payload.size() < kOpenHead)
        co_return Status(Reason::kBadRequest, "malformed SYN_STREAM");
      KPP_CO_ASSIGN(auto headers, headers_.read(std::string_view(frame.payload).substr(kOpenHead)));
      events_.push_back({Event::kOpened, frame.stream, std::move(headers), {}});
      if (frame.last) events_.push_back({Event::kEnded, frame.stream, {}, {}});
      co_return co_await send(encoder_.reply(frame.stream, {}), std::move(stop));
    }
    case SpdyDecoder::kRstStream:
      events_.push_back({Event::kReset, frame.stream, {}, {}});
      co_return Status();
    case SpdyDecoder::kPing:
      co_return co_await send(SpdyEncoder::ping(frame.payload), std::move(stop));
    default:
      co_return Status();
  }
}

}  // namespace kpp::net
