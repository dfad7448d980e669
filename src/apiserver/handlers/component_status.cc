// Component statuses: asked for, not stored (deprecated since v1.19).
#include "api/corev1.h"
#include "api/json_codec.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/page.h"
#include "apiserver/selection.h"

namespace kpp::apiserver {
namespace {

constexpr std::string_view kStoreComponent = "etcd-0";

// The one component that the server itself looks at is its store, which answers as long as the
// server runs.
CachedRef store_status() {
  corev1::ComponentStatus status;
  status.metadata.name = kStoreComponent;
  auto& condition = status.conditions.emplace_back();
  condition.type = "Healthy";
  condition.status = "True";
  condition.message = "ok";
  auto out = std::make_shared<CachedObject>();
  out->json = std::make_shared<const std::string>(api::to_json(status));
  out->item_at = item_begin(*out->json);
  out->name = kStoreComponent;
  return out;
}

}  // namespace

async::Task<net::Response> handle_component_status(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, true);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  call.warnings.emplace_back("v1 ComponentStatus is deprecated in v1.19+");
  const CachedRef status = store_status();
  if (!call.info.name.empty()) {
    if (call.info.name != status->name)
      co_return respond_status(not_found("", "componentstatuses", call.info.name), &call);
    co_return respond_object(call, 200, *status);
  }
  const auto selection = Selection::parse(call);
  if (!selection) co_return respond_status(selection.error(), &call);
  Page page;
  if (selection->matches(*status)) page.items.push_back(status);
  co_return respond_page(call, page);
}

}  // namespace kpp::apiserver
