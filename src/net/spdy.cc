#include "net/spdy.h"

#include <algorithm>

namespace kpp::net {
namespace {

constexpr std::uint16_t kVersion = 3;
constexpr std::size_t kHead = 8;
constexpr std::uint8_t kFlagFin = 1;

void put(std::string& out, std::uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

void put_control_head(std::string& out, std::uint16_t type, std::size_t size) {
  put(out, 0x8000U | kVersion, 2);
  put(out, type, 2);
  put(out, 0, 1);
  put(out, static_cast<std::uint32_t>(size), 3);
}

// Bytes that end where they stand in a deflate stream: stored blocks, and an empty one, which is a
// flush.
void put_stored(std::string& out, std::string_view bytes) {
  while (true) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), 0xffff);
    out += '\0';
    out += static_cast<char>(size & 0xff);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(~size & 0xff);
    out += static_cast<char>(~size >> 8 & 0xff);
    out += bytes.substr(0, size);
    bytes.remove_prefix(size);
    if (size == 0) return;
  }
}

}  // namespace

Result<std::optional<SpdyDecoder::Frame>> SpdyDecoder::next() {
  const auto number = [&](std::size_t at, int bytes) {
    std::uint32_t out = 0;
    for (int i = 0; i < bytes; ++i)
      out = out << 8 | static_cast<unsigned char>(in_[at_ + at + static_cast<std::size_t>(i)]);
    return out;
  };
  const std::size_t have = in_.size() - at_;
  const std::size_t size = have < kHead ? 0 : number(5, 3);
  if (have < kHead + size) {
    in_.erase(0, at_);
    at_ = 0;
    return std::nullopt;
  }
  Frame out;
  out.data = (number(0, 1) & 0x80) == 0;
  out.last = (number(4, 1) & kFlagFin) != 0;
  if (out.data) {
    out.stream = number(0, 4);
  } else {
    if ((number(0, 2) & 0x7fff) != kVersion)
      return fail(Reason::kBadRequest, "the peer does not speak SPDY/3");
    out.type = static_cast<std::uint16_t>(number(2, 2));
    const bool of_stream =
        out.type == kSynStream || out.type == kSynReply || out.type == kRstStream;
    if (of_stream && size >= 4) out.stream = number(kHead, 4) & 0x7fffffff;
    if (out.type == kSettings) out.last = false;  // its flag 1 means another thing
  }
  out.payload = in_.substr(at_ + kHead, size);
  at_ += kHead + size;
  return out;
}

std::string SpdyEncoder::header_block(const SpdyHeaders& headers) {
  std::string block;
  put(block, static_cast<std::uint32_t>(headers.size()), 4);
  for (const auto& [name, value] : headers) {
    put(block, static_cast<std::uint32_t>(name.size()), 4);
    block += name;
    put(block, static_cast<std::uint32_t>(value.size()), 4);
    block += value;
  }
  std::string out;
  if (!begun_) out += "\x78\x01";
  begun_ = true;
  put_stored(out, block);
  return out;
}

std::string SpdyEncoder::open(std::uint32_t stream, const SpdyHeaders& headers) {
  std::string body;
  put(body, stream, 4);
  put(body, 0, 4);  // no associated stream
  put(body, 0, 2);  // priority, slot
  body += header_block(headers);
  std::string out;
  put_control_head(out, SpdyDecoder::kSynStream, body.size());
  return out += body;
}

std::string SpdyEncoder::reply(std::uint32_t stream, const SpdyHeaders& headers) {
  std::string body;
  put(body, stream, 4);
  body += header_block(headers);
  std::string out;
  put_control_head(out, SpdyDecoder::kSynReply, body.size());
  return out += body;
}

std::string SpdyEncoder::data(std::uint32_t stream, std::string_view bytes, bool last) {
  constexpr std::size_t kMost = (1u << 24) - 1;
  std::string out;
  do {
    const std::size_t size = std::min(bytes.size(), kMost);
    put(out, stream & 0x7fffffff, 4);
    put(out, last && size == bytes.size() ? kFlagFin : 0, 1);
    put(out, static_cast<std::uint32_t>(size), 3);
    out += bytes.substr(0, size);
    bytes.remove_prefix(size);
  } while (!bytes.empty());
  return out;
}

std::string SpdyEncoder::ping(std::string_view payload) {
  std::string out;
  put_control_head(out, SpdyDecoder::kPing, payload.size());
  return out += payload;
}

}  // namespace kpp::net
