#include "apiserver/managed_fields.h"

#include "api/apply/managed_fields.h"

namespace kpp::apiserver {

Status track_managed_fields(const Call& call, const api::Object* old, api::Object& now) {
  api::UpdateContext context;
  context.manager = call.field_manager();
  context.api_version = call.resource->api_version();
  context.subresource = call.info.subresource;
  context.time = api::Time::from(call.core.executor.wall());
  static constexpr std::string_view kStatus[] = {"status"};
  const bool clears_status = old == nullptr && call.resource->subresource("status") != nullptr;
  if (clears_status) context.reset_paths = kStatus;
  api::track_update(now.desc(), old != nullptr ? old->data() : nullptr, now.data(), context);
  return {};
}

}  // namespace kpp::apiserver
