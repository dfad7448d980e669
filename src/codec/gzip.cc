#include "codec/gzip.h"

#include <zlib.h>

#include <cstdlib>

namespace kpp {

std::string gzip(std::string_view bytes, int level) {
  z_stream state{};
  constexpr int kGzipWindow = 15 + 16;
  // Fails for want of memory alone, which ends the process elsewhere too.
  if (deflateInit2(&state, level, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    std::abort();
  std::string out(deflateBound(&state, bytes.size()), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  deflate(&state, Z_FINISH);
  out.resize(state.total_out);
  deflateEnd(&state);
  return out;
}

}  // namespace kpp
