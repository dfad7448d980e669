#include "apiserver/managed_fields.h"

#include <vector>

#include "api/apply/managed_fields.h"
#include "apiserver/registry/strategy.h"

namespace kpp::apiserver {

Status track_managed_fields(const Call& call, const api::Object* old, api::Object& now) {
  api::UpdateContext context;
  context.manager = call.field_manager();
  context.api_version = call.resource->api_version();
  context.subresource = call.info.subresource;
  // Entries that come from a Scale carry no time.
  if (context.subresource != "scale") context.time = api::Time::from(call.core.executor.wall());
  std::vector<std::string_view> reset;
  if (old == nullptr) {
    reset = call.resource->strategy->untracked;
    if (call.resource->subresource("status") != nullptr) reset.emplace_back("status");
  }
  context.reset_paths = reset;
  api::track_update(now.desc(), old != nullptr ? old->data() : nullptr, now.data(), context);
  return {};
}

}  // namespace kpp::apiserver
