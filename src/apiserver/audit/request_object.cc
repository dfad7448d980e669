#include "apiserver/audit/request_object.h"

#include "api/defaults/defaults.h"
#include "api/json_codec.h"
#include "api/meta.h"
#include "apiserver/audit/document.h"
#include "apiserver/audit/trail.h"

namespace kpp::apiserver {

void note_request_object(const Call& call, const api::Object& object) {
  if (call.audit == nullptr || !call.audit->wants_name()) return;
  if (const auto* meta = api::metadata(object.desc(), object.data()))
    call.audit->name_object(meta->namespace_, meta->name, meta->uid, meta->resource_version);
  if (!call.audit->wants_request()) return;
  api::Object whole = object;
  api::apply_defaults(whole, call.empty_lists);
  std::string text;
  api::to_json(text, whole.desc(), whole.data());
  if (auto document = json::parse(text)) call.audit->set_request(std::move(*document));
}

void note_request_body(const Call& call, std::string_view kind) {
  if (call.audit == nullptr || !call.audit->wants_request() || call.request.body.empty()) return;
  auto document = read_document(call.request.headers.get("Content-Type"), call.request.body);
  if (!document) return;
  if (!kind.empty() && document->is_object()) {
    json::Object whole{{"kind", kind}, {"apiVersion", "v1"}};
    for (auto& [key, value] : document->as_object()) whole[key] = std::move(value);
    *document = std::move(whole);
  }
  call.audit->set_request(std::move(*document));
}

}  // namespace kpp::apiserver
