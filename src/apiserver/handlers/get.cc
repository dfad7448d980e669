#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"

namespace kpp::apiserver {

async::Task<net::Response> handle_get(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (const auto* text = call.query.find("resourceVersion"); text != nullptr && !text->empty()) {
    const auto version = parse_resource_version(*text);
    if (!version)
      co_return respond_status(Status(Reason::kUnknown, version.error().message()).with_code(500),
                               &call);
    const Status there = co_await reach(call, *version);
    if (!there.ok()) co_return respond_status(there, &call);
  } else {
    const Status fresh = co_await freshen(call);
    if (!fresh.ok()) co_return respond_status(fresh);
  }
  const CachedRef object = cached(call);
  if (!object) {
    co_return respond_status(not_found(call.resource->group, call.resource->name(), call.info.name),
                             &call);
  }
  co_return respond_object(call, 200, *object);
}

}  // namespace kpp::apiserver
