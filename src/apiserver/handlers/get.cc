#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"

namespace kpp::apiserver {

async::Task<net::Response> handle_get(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (const auto* text = call.query.find("resourceVersion"); text != nullptr && !text->empty()) {
    auto version = parse_int(call, "resourceVersion");
    if (!version || (*version && **version < 0)) {
      co_return respond_status(bad_request(cat("invalid resource version: resourceVersion: Invalid value: ", quoted(*text),
                                               ": strconv.ParseUint: parsing ", quoted(*text), ": invalid syntax")));
    }
    if (**version > call.core.store.revision()) {
      const bool seen = co_await call.core.cache.wait_for(**version, std::chrono::seconds(3), call.stop);
      if (!seen) co_return respond_status(too_large_version(**version, call.core.cache.revision()));
    }
  }
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh);
  const CachedRef object = cached(call);
  if (!object) {
    co_return respond_status(not_found(call.resource->group, call.resource->name(), call.info.name), &call);
  }
  co_return respond_object(call, 200, *object);
}

}  // namespace kpp::apiserver
