#include "apiserver/patching.h"

#include <charconv>
#include <map>

#include "api/patch/patch.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/options.h"
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
  return bad_request(
      cat(prefix, "json: cannot unmarshal ", kind_of(v), " into Go value of type ", wanted));
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
  if (!v.is_object())
    return wrong_shape(v, "map[string]interface {}", kind == PatchKind::kMerge ? kDecoding : "");
  return {};
}

// Objects that the patch went through lose the order of their members: the original prints them
// sorted.
void sort_members(json::Value& v) {
  if (!v.is_object()) return;
  auto& object = v.get_object();
  std::map<std::string, json::Value> members;
  for (auto& [name, value] : object) members.emplace(std::string(name), std::move(value));
  object.clear();
  for (auto& [name, value] : members) object[name] = std::move(value);
}

void sort_merged(json::Value& v, const json::Value& patch) {
  if (!v.is_object() || !patch.is_object()) return;
  for (const auto& [name, change] : patch.get_object()) {
    if (json::Value* member = v.get_object().if_contains(name)) sort_merged(*member, change);
  }
  sort_members(v);
}

void sort_along(json::Value& v, std::string_view path) {
  json::Value* at = &v;
  while (true) {
    sort_members(*at);
    if (path.empty()) return;
    path.remove_prefix(1);
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return;
    if (at->is_object()) {
      at = at->get_object().if_contains({path.data(), slash});
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(path.data(), path.data() + slash, index);
      at = error == std::errc() && end == path.data() + slash ? at->get_array().if_contains(index)
                                                              : nullptr;
    } else {
      at = nullptr;
    }
    if (at == nullptr) return;
    path.remove_prefix(slash);
  }
}

std::string text_of(const Patch& patch, json::Value patched) {
  if (patch.kind == PatchKind::kStrategic) return api::go_text(patch.document);
  if (patch.kind == PatchKind::kMerge) {
    sort_merged(patched, patch.document);
  } else if (patch.document.is_array()) {
    sort_members(patched);
    for (const auto& operation : patch.document.get_array())
      sort_along(patched, json::text_at(operation, "path"));
  }
  return json::write(patched);
}

// A member of the wrong kind, as the converter of strategic patches words it.
std::string converted_words(std::string_view why) {
  constexpr std::string_view kHead = "json: cannot unmarshal ";
  constexpr std::string_view kMiddle = " into Go struct field ";
  constexpr std::string_view kType = " of type ";
  const auto middle = why.find(kMiddle);
  const auto type_at = why.rfind(kType);
  if (!why.starts_with(kHead) || middle == std::string_view::npos ||
      type_at == std::string_view::npos) {
    return std::string(why);
  }
  const std::string_view has = why.substr(kHead.size(), middle - kHead.size());
  const std::string_view type = why.substr(type_at + kType.size());
  const bool object = has == "object";
  const bool array = has == "array";
  const bool number = has.starts_with("number");
  const std::string_view kind = object ? "map" : array ? "slice" : number ? "int64" : has;
  if (type.starts_with("map[")) return cat("cannot restore map from ", kind);
  if (type.starts_with("[]")) return cat("cannot restore slice from ", kind);
  if (type.find('.') != std::string_view::npos) return cat("cannot restore struct from: ", kind);
  const std::string_view full = object  ? "map[string]interface {}"
                                : array ? "[]interface {}"
                                        : kind;
  return cat("cannot convert ", full, " to ", type);
}

}  // namespace

Status invalid_patch_result(const Patch& patch, const json::Value& patched, std::string_view why) {
  const std::string reason =
      patch.kind == PatchKind::kStrategic ? converted_words(why) : std::string(why);
  StatusDetails details;
  const std::string message = cat("Invalid value: ", quoted(text_of(patch, patched)), ": ", reason);
  details.causes.push_back({"FieldValueInvalid", message, "patch"});
  return Status(Reason::kInvalid, cat(" \"\" is invalid: patch: ", message), std::move(details));
}

Status check_repeated(Call& call, const Patch& patch) {
  if (patch.duplicates.empty()) return {};
  const FieldValidation validation = field_validation(call);
  if (validation == FieldValidation::kIgnore) return {};
  if (validation == FieldValidation::kStrict) {
    return bad_request(cat(
        "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ",
        join(patch.duplicates, "\n  ")));
  }
  for (const auto& text : patch.duplicates) call.warnings.push_back(text);
  return {};
}

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
    constexpr std::string_view kDecoding = "error decoding YAML: ";
    auto document = yaml::parse(call.request.body, {&out.duplicates});
    if (!document) return fail(bad_request(cat(kDecoding, document.error().message())));
    if (document->is_null()) document->emplace_object();
    if (!document->is_object()) {
      return fail(wrong_shape(*document, "map[string]interface {}",
                              cat(kDecoding, "error unmarshaling JSON: while decoding JSON: ")));
    }
    out.document = std::move(*document);
    return out;
  }
  json::ParseOptions options;
  options.duplicates = &out.duplicates;
  auto document = json::parse(call.request.body, options);
  if (!document) {
    return fail(bad_request(out.kind == PatchKind::kStrategic
                                ? document.error().message()
                                : cat("error decoding patch: ", document.error().message())));
  }
  KPP_RETURN_IF_ERROR(check_shape(out.kind, *document));
  out.document = std::move(*document);
  return out;
}

Result<json::Value> apply_patch(const Patch& patch, const api::TypeDesc& type,
                                const json::Value& current) {
  switch (patch.kind) {
    case PatchKind::kJson: {
      auto patched = api::apply_json_patch(current, patch.document);
      if (!patched && patched.error().is(Reason::kInvalid)) {
        return fail(Status(Reason::kInvalid, patched.error().message(), StatusDetails{}));
      }
      return patched;
    }
    case PatchKind::kMerge:
      return api::apply_merge_patch(current, patch.document);
    case PatchKind::kStrategic:
      return api::apply_strategic_patch(current, patch.document, type);
    case PatchKind::kApply:
      break;
  }
  return fail(unsupported_media_type());
}

}  // namespace kpp::apiserver
