// The header blocks of SPDY/3 as clients compress them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace kpp::net {

// Reads the blocks of one connection, in their order: they are one zlib stream.
//
// Guarantees: a block of more than 64 KiB is refused; so is everything after an error.
class SpdyHeaderReader {
 public:
  SpdyHeaderReader();
  ~SpdyHeaderReader();
  SpdyHeaderReader(const SpdyHeaderReader&) = delete;
  SpdyHeaderReader& operator=(const SpdyHeaderReader&) = delete;

  Result<std::vector<std::pair<std::string, std::string>>> read(std::string_view compressed);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What SPDY/3's compression of headers begins with on both sides.
std::string spdy_dictionary();

}  // namespace kpp::net
