#include "net/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "net/text.h"

namespace kpp::net {
namespace {

constexpr std::uint16_t kProtocolError = 1002;

// The words of comma-separated lists, over all header fields of a name.
std::vector<std::string> words(const Headers& headers, std::string_view name) {
  std::vector<std::string> out;
  for (std::string_view list : headers.all(name)) {
    while (!list.empty()) {
      const auto comma = std::min(list.find(','), list.size());
      const std::string_view word = trim(list.substr(0, comma));
      if (!word.empty()) out.emplace_back(word);
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  return out;
}

std::string accept_of(std::string_view key) {
  const std::string text = cat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  unsigned char digest[SHA_DIGEST_LENGTH];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  std::string out(4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1, '\0');
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), digest, static_cast<int>(size));
  out.resize(static_cast<std::size_t>(written));
  return out;
}

}  // namespace

bool wants_websocket(const Headers& headers) {
  return list_has(headers.get("Upgrade"), "websocket");
}

std::vector<std::string> websocket_protocols(const Headers& headers) {
  return words(headers, "Sec-WebSocket-Protocol");
}

Result<Response> accept_websocket(const Headers& headers, std::string_view protocol) {
  const std::string_view key = headers.get("Sec-WebSocket-Key");
  if (key.empty())
    return fail(Reason::kBadRequest,
                "websocket: not a websocket handshake: 'Sec-WebSocket-Key' header is missing");
  if (headers.get("Sec-WebSocket-Version") != "13") {
    return fail(Reason::kBadRequest,
                "websocket: unsupported version: 13 not found in 'Sec-Websocket-Version' header");
  }
  Response out;
  out.status = 101;
  out.headers.add("Upgrade", "websocket");
  out.headers.add("Connection", "Upgrade");
  out.headers.add("Sec-WebSocket-Accept", accept_of(key));
  if (!protocol.empty()) out.headers.add("Sec-WebSocket-Protocol", std::string(protocol));
  return out;
}

Result<std::optional<WebSocketDecoder::Frame>> WebSocketDecoder::next() {
  const auto need_more = [&]() -> std::optional<Frame> {
    in_.erase(0, at_);
    at_ = 0;
    return std::nullopt;
  };
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(in_[at_ + i]));
  };
  const std::size_t have = in_.size() - at_;
  if (have < 2) return need_more();
  Frame out;
  out.last = (byte(0) & 0x80) != 0;
  out.opcode = static_cast<std::uint8_t>(byte(0) & 0x0f);
  if ((byte(0) & 0x70) != 0) return fail(Reason::kBadRequest, "reserved bits are set");
  if ((byte(1) & 0x80) == 0) return fail(Reason::kBadRequest, "a client's frame is not masked");
  std::uint64_t size = byte(1) & 0x7f;
  std::size_t head = 2;
  if (size >= 126) {
    const std::size_t length_bytes = size == 126 ? 2 : 8;
    if (have < head + length_bytes) return need_more();
    size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | byte(head + i);
    head += length_bytes;
  }
  const bool control = out.opcode >= kClose;
  if (control && (!out.last || size > 125))
    return fail(Reason::kBadRequest, "a control frame is in pieces or too long");
  if (size > kMaxPayload) return fail(Reason::kBadRequest, "a frame is too long");
  if (have < head + 4 + size) return need_more();
  const std::size_t mask = at_ + head;
  const std::size_t begin = mask + 4;
  out.payload = in_.substr(begin, size);
  for (std::size_t i = 0; i < size; ++i)
    out.payload[i] = static_cast<char>(out.payload[i] ^ in_[mask + (i & 3)]);
  at_ = begin + size;
  return out;
}

std::string websocket_frame(std::uint8_t opcode, std::string_view payload) {
  std::string out;
  out.reserve(payload.size() + 10);
  out += static_cast<char>(0x80 | opcode);
  const std::size_t size = payload.size();
  if (size < 126) {
    out += static_cast<char>(size);
  } else {
    const int length_bytes = size < (1u << 16) ? 2 : 8;
    out += static_cast<char>(length_bytes == 2 ? 126 : 127);
    for (int i = length_bytes - 1; i >= 0; --i) out += static_cast<char>(size >> (8 * i) & 0xff);
  }
  return out += payload;
}

async::Task<Status> WebSocket::send(std::string frame, async::StopToken stop) {
  const bool mine = co_await writing_.acquire(stop);
  if (!mine) co_return Status(Reason::kCanceled, "stopped");
  Status written = co_await stream_->write(std::move(frame), stop);
  writing_.release();
  co_return written;
}

async::Task<Status> WebSocket::write(std::string_view payload, async::StopToken stop) {
  return send(websocket_frame(WebSocketDecoder::kBinary, payload), std::move(stop));
}

async::Task<Status> WebSocket::write_text(std::string_view payload, async::StopToken stop) {
  return send(websocket_frame(WebSocketDecoder::kText, payload), std::move(stop));
}

async::Task<void> WebSocket::close(std::uint16_t code, std::string_view reason,
                                   async::StopToken stop) {
  if (closed_) co_return;
  closed_ = true;
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  payload += reason.substr(0, 120);
  const Status sent =
      co_await send(websocket_frame(WebSocketDecoder::kClose, payload), std::move(stop));
  if (!sent.ok()) stream_->abort();
}

async::Task<Result<std::optional<std::string>>> WebSocket::read(async::StopToken stop) {
  std::string message;
  bool within = false;  // a message has begun
  while (true) {
    auto frame = decoder_.next();
    if (frame && *frame) {
      auto& [last, opcode, payload] = **frame;
      if (opcode == WebSocketDecoder::kPing) {
        KPP_CO_RETURN_IF_ERROR(
            co_await send(websocket_frame(WebSocketDecoder::kPong, payload), stop));
        continue;
      }
      if (opcode == WebSocketDecoder::kPong) continue;
      if (opcode == WebSocketDecoder::kClose) {
        if (!closed_) {
          closed_ = true;
          KPP_CO_RETURN_IF_ERROR(co_await send(
              websocket_frame(WebSocketDecoder::kClose, std::string_view(payload).substr(0, 2)),
              stop));
        }
        co_return std::nullopt;
      }
      const bool begins = opcode == WebSocketDecoder::kText || opcode == WebSocketDecoder::kBinary;
      if (begins == within || (!begins && opcode != WebSocketDecoder::kContinuation)) {
        frame = fail(Reason::kBadRequest, "a frame out of order");
      } else if (message.size() + payload.size() > WebSocketDecoder::kMaxPayload) {
        frame = fail(Reason::kBadRequest, "a message is too long");
      } else {
        message += payload;
        within = true;
        if (last) co_return message;
        continue;
      }
    }
    if (!frame) {
      co_await close(kProtocolError, frame.error().message(), stop);
      co_return fail(frame.error());
    }
    auto bytes = co_await stream_->read(stop);
    if (!bytes) co_return fail(bytes.error());
    if (bytes->empty()) co_return std::nullopt;
    decoder_.feed(*bytes);
  }
}

}  // namespace kpp::net
