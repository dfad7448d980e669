// The items of a list's answer, and the answer in the form that the client asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apiserver/call.h"
#include "apiserver/watch_cache.h"
#include "net/http.h"

namespace kpp::apiserver {

struct Page {
  std::vector<CachedRef> items;
  store::Revision revision = 0;
  std::string continue_token;
  std::int64_t remaining = 0;
};

// JSON, YAML, protobuf, a Table or metadata only, with the warnings of the call. Cached bytes are
// sent as they are, not copied.
net::Response respond_page(Call& call, const Page& page);

}  // namespace kpp::apiserver
