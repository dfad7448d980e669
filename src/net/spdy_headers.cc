#include "net/spdy_headers.h"

#include <zlib.h>

#include "base/check.h"

namespace kpp::net {
namespace {

constexpr std::size_t kMostBytes = 64 << 10;

// The words of the dictionary that have their lengths in front, and the text behind them.
constexpr std::string_view kWords[] = {"options",
                                       "head",
                                       "post",
                                       "put",
                                       "delete",
                                       "trace",
                                       "accept",
                                       "accept-charset",
                                       "accept-encoding",
                                       "accept-language",
                                       "accept-ranges",
                                       "age",
                                       "allow",
                                       "authorization",
                                       "cache-control",
                                       "connection",
                                       "content-base",
                                       "content-encoding",
                                       "content-language",
                                       "content-length",
                                       "content-location",
                                       "content-md5",
                                       "content-range",
                                       "content-type",
                                       "date",
                                       "etag",
                                       "expect",
                                       "expires",
                                       "from",
                                       "host",
                                       "if-match",
                                       "if-modified-since",
                                       "if-none-match",
                                       "if-range",
                                       "if-unmodified-since",
                                       "last-modified",
                                       "location",
                                       "max-forwards",
                                       "pragma",
                                       "proxy-authenticate",
                                       "proxy-authorization",
                                       "range",
                                       "referer",
                                       "retry-after",
                                       "server",
                                       "te",
                                       "trailer",
                                       "transfer-encoding",
                                       "upgrade",
                                       "user-agent",
                                       "vary",
                                       "via",
                                       "warning",
                                       "www-authenticate",
                                       "method",
                                       "get",
                                       "status",
                                       "200 OK",
                                       "version",
                                       "HTTP/1.1",
                                       "url",
                                       "public",
                                       "set-cookie",
                                       "keep-alive",
                                       "origin"};
constexpr std::string_view kText =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 "
    "Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service "
    "UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, "
    "Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/"
    "xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-"
    "8charset=iso-8859-1,utf-,*,enq=0.";

void put_size(std::string& out, std::size_t size) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
}

std::unexpected<Status> malformed() { return fail(Reason::kBadRequest, "malformed header block"); }

// Takes a length and as many bytes off the front.
bool take(std::string_view& from, std::string_view& out) {
  if (from.size() < 4) return false;
  std::size_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(4);
  if (from.size() < size) return false;
  out = from.substr(0, size);
  from.remove_prefix(size);
  return true;
}

}  // namespace

std::string spdy_dictionary() {
  std::string out;
  for (const std::string_view word : kWords) {
    put_size(out, word.size());
    out += word;
  }
  return out += kText;
}

struct SpdyHeaderReader::State {
  State() { KPP_CHECK(::inflateInit(&stream) == Z_OK, "zlib does not start"); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { ::inflateEnd(&stream); }

  z_stream stream{};
  bool broken = false;

  bool inflate_all(std::string_view compressed, std::string& out) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());
    char buffer[4096];
    for (;;) {
      stream.next_out = reinterpret_cast<Bytef*>(buffer);
      stream.avail_out = sizeof buffer;
      const int result = ::inflate(&stream, Z_SYNC_FLUSH);
      out.append(buffer, sizeof buffer - stream.avail_out);
      if (out.size() > kMostBytes) return false;
      if (result == Z_NEED_DICT) {
        const std::string dictionary = spdy_dictionary();
        if (::inflateSetDictionary(&stream, reinterpret_cast<const Bytef*>(dictionary.data()),
                                   static_cast<uInt>(dictionary.size())) != Z_OK)
          return false;
        continue;
      }
      if (result == Z_BUF_ERROR) return stream.avail_in == 0;
      if (result != Z_OK) return false;
      if (stream.avail_in == 0 && stream.avail_out != 0) return true;
    }
  }
};

SpdyHeaderReader::SpdyHeaderReader() : state_(std::make_unique<State>()) {}
SpdyHeaderReader::~SpdyHeaderReader() = default;

Result<std::vector<std::pair<std::string, std::string>>> SpdyHeaderReader::read(
    std::string_view compressed) {
  std::string block;
  if (state_->broken || !state_->inflate_all(compressed, block)) {
    state_->broken = true;
    return malformed();
  }
  std::string_view left = block;
  if (left.size() < 4) return malformed();
  std::size_t count = 0;
  for (std::size_t i = 0; i < 4; ++i) count = count << 8 | static_cast<unsigned char>(left[i]);
  left.remove_prefix(4);
  std::vector<std::pair<std::string, std::string>> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::string_view name;
    std::string_view value;
    if (!take(left, name) || !take(left, value)) return malformed();
    out.emplace_back(name, value);
  }
  if (!left.empty()) return malformed();
  return out;
}

}  // namespace kpp::net
