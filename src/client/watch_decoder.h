// Cuts a watch's bytes into lines and reads the events.
#pragma once

#include <string>
#include <string_view>

#include "api/json_codec.h"
#include "client/client.h"

namespace kpp::client {

// Errors: kBadRequest for what is no event, kIo for a line over 64 MiB, the server's Status for an
// ERROR event.
class WatchDecoder {
 public:
  explicit WatchDecoder(const api::TypeDesc& type, api::DecodeOptions options = {})
      : type_(type), options_(options) {}

  void feed(std::string_view bytes);
  // True when take() has an event (or an error) to give.
  bool has_line() const { return buffer_.find('\n', start_) != std::string::npos || too_long(); }
  Result<RawEvent> take();

 private:
  bool too_long() const { return buffer_.size() - start_ > kMaxLine; }
  static constexpr std::size_t kMaxLine = std::size_t{64} << 20;

  Result<RawEvent> decode(std::string_view line) const;

  const api::TypeDesc& type_;
  const api::DecodeOptions options_;
  std::string buffer_;
  std::size_t start_ = 0;
};

}  // namespace kpp::client
