#include "codec/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace kpp {
namespace {

std::string inflated(const std::string& bytes) {
  z_stream state{};
  inflateInit2(&state, 15 + 16);
  std::string out(1 << 20, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  state.avail_in = static_cast<uInt>(bytes.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  const bool whole = inflate(&state, Z_FINISH) == Z_STREAM_END;
  out.resize(state.total_out);
  inflateEnd(&state);
  return whole ? out : "broken";
}

TEST(Gzip, WhatWasCompressedComesBackWhole) {
  const std::string text(100'000, 'k');
  const std::string small = gzip(text, 6);
  EXPECT_LT(small.size(), 1000U);
  EXPECT_EQ(inflated(small), text);
}

TEST(Gzip, NothingIsAMemberToo) { EXPECT_EQ(inflated(gzip("", 1)), ""); }

}  // namespace
}  // namespace kpp
