#include "apiserver/patching.h"

#include "api/patch/patch.h"
#include "apiserver/errors.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

std::string_view kind_of(const json::Value& v) {
  if (v.is_array()) return "array";
  if (v.is_object()) return "object";
  if (v.is_string()) return "string";
  if (v.is_bool()) return "bool";
  return "number";
}

Status wrong_shape(const json::Value& v, std::string_view wanted, std::string_view prefix) {
  return bad_request(cat(prefix, "json: cannot unmarshal ", kind_of(v), " into Go value of type ", wanted));
}

Status check_shape(PatchKind kind, const json::Value& v) {
  constexpr std::string_view kDecoding = "error decoding patch: ";
  if (kind == PatchKind::kJson) {
    if (v.is_null()) return {};
    if (!v.is_array()) return wrong_shape(v, "[]handlers.jsonPatchOp", kDecoding);
    for (const auto& op : v.get_array()) {
      if (!op.is_object()) return wrong_shape(op, "handlers.jsonPatchOp", kDecoding);
    }
    return {};
  }
  if (v.is_null()) return bad_request("Invalid JSON Patch");
  if (!v.is_object()) return wrong_shape(v, "map[string]interface {}", kind == PatchKind::kMerge ? kDecoding : "");
  return {};
}

}  // namespace

Result<Patch> parse_patch(const Call& call) {
  std::string_view type = call.request.headers.get("Content-Type");
  type = type.substr(0, type.find(';'));
  Patch out;
  bool yaml_body = false;
  if (type == "application/json-patch+json") {
    out.kind = PatchKind::kJson;
  } else if (type == "application/merge-patch+json") {
    out.kind = PatchKind::kMerge;
  } else if (type == "application/strategic-merge-patch+json") {
    out.kind = PatchKind::kStrategic;
  } else if (type == "application/apply-patch+yaml") {
    out.kind = PatchKind::kApply;
    yaml_body = true;
  } else {
    return fail(unsupported_media_type());
  }
  if (yaml_body) {
    KPP_ASSIGN(out.document, yaml::parse(call.request.body));
    return out;
  }
  json::ParseOptions options;
  options.duplicates = &out.duplicates;
  auto document = json::parse(call.request.body, options);
  if (!document) {
    return fail(bad_request(out.kind == PatchKind::kStrategic ? document.error().message()
                                                              : cat("error decoding patch: ", document.error().message())));
  }
  KPP_RETURN_IF_ERROR(check_shape(out.kind, *document));
  out.document = std::move(*document);
  return out;
}

Result<json::Value> apply_patch(const Patch& patch, const api::TypeDesc& type, const json::Value& current) {
  switch (patch.kind) {
    case PatchKind::kJson: return api::apply_json_patch(current, patch.document);
    case PatchKind::kMerge: return api::apply_merge_patch(current, patch.document);
    case PatchKind::kStrategic: return api::apply_strategic_patch(current, patch.document, type);
    case PatchKind::kApply: break;
  }
  return fail(unsupported_media_type());
}

}  // namespace kpp::apiserver
