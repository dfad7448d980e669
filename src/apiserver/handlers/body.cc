// Bodies of writes: parsing, kind checks, unknown and duplicate fields.
#include <algorithm>

#include "api/corev1.h"
#include "api/proto_codec.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

// The first bytes of a body as the original's messages show them.
std::string excerpt(std::string_view body) {
  if (body.empty()) return "<empty>";
  const bool text = body.front() == '{';
  if (text) return body.size() > 30 ? cat(body.substr(0, 30), " ...") : std::string(body);
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : body.substr(0, 30)) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  if (body.size() > 30) out += " ...";
  return out;
}

Status unrecognized(std::string_view kind, std::string_view why, std::string_view body) {
  return bad_request(cat("the object provided is unrecognized (must be of type ", kind, "): ", why, " (", excerpt(body), ")"));
}

std::string_view json_kind(const json::Value& v) {
  if (v.is_array()) return "array";
  if (v.is_string()) return "string";
  if (v.is_bool()) return "bool";
  return "number";
}

struct GroupVersion {
  std::string group, version;
};

Result<GroupVersion> parse_group_version(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return GroupVersion{"", std::string(text)};
  if (text.find('/', slash + 1) != std::string_view::npos) {
    return fail(bad_request(cat("unexpected GroupVersion string: ", text)));
  }
  return GroupVersion{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

// Secret.stringData is for writing only: its members go into data.
void take_write_only_fields(api::Object& object) {
  auto* secret = object.as<corev1::Secret>();
  if (secret == nullptr) return;
  for (auto& [key, value] : secret->string_data) secret->data[key] = value;
  secret->string_data.clear();
}

std::string go_internal(const api::TypeDesc& type) {
  // k8s.io.api.core.v1 -> core
  const std::string_view package = type.package;
  const auto last = package.rfind('.');
  const auto before = package.rfind('.', last - 1);
  return std::string(package.substr(before + 1, last - before - 1));
}

}  // namespace

Result<Body> parse_body(const Call& call, std::string_view expected_kind) {
  KPP_ASSIGN(const MediaType media, body_media(call.request.headers));
  Body out;
  if (media == MediaType::kJson) {
    json::ParseOptions options;
    options.duplicates = &out.duplicates;
    auto document = json::parse(call.request.body, options);
    if (!document) {
      return fail(unrecognized(expected_kind,
                               cat("couldn't get version/kind; json parse error: ", document.error().message()),
                               call.request.body));
    }
    out.document = std::move(*document);
  } else {
    auto document = yaml::parse(call.request.body);
    if (!document) {
      std::string_view why = document.error().message();
      if (const auto at = why.find("yaml: "); at != std::string_view::npos) why = why.substr(at);
      return fail(unrecognized(expected_kind, why, call.request.body));
    }
    out.document = std::move(*document);
  }
  if (!out.document.is_object() && !out.document.is_null()) {
    return fail(unrecognized(expected_kind,
                             cat("couldn't get version/kind; json parse error: json: cannot unmarshal ",
                                 json_kind(out.document),
                                 " into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; "
                                 "Kind string \"json:\\\"kind,omitempty\\\"\" }"),
                             call.request.body));
  }
  return out;
}

Result<api::Object> decode_object(Call& call, const api::TypeDesc& type) {
  const auto& gvk = type.gvks.front();
  KPP_ASSIGN(const MediaType media, body_media(call.request.headers));
  if (media == MediaType::kProtobuf) {
    auto envelope = api::parse_envelope(call.request.body);
    if (!envelope) return fail(unrecognized(gvk.kind, envelope.error().message(), call.request.body));
    if (!envelope->kind.empty() && envelope->kind != gvk.kind) {
      return fail(bad_request(cat(envelope->kind, " in version ", quoted(gvk.version), " cannot be handled as a ", gvk.kind)));
    }
    api::Object out(type);
    KPP_RETURN_IF_ERROR(api::from_proto(envelope->raw, type, out.data()));
    return out;
  }
  KPP_ASSIGN(Body body, parse_body(call, gvk.kind));
  return decode_document(call, type, body.document, std::move(body.duplicates));
}

Result<api::Object> decode_document(Call& call, const api::TypeDesc& type, const json::Value& document,
                                    std::vector<std::string> duplicates) {
  const auto& gvk = type.gvks.front();
  std::string kind(json::text_at(document, "kind"));
  const std::string version_text(json::text_at(document, "apiVersion"));
  auto group_version = parse_group_version(version_text);
  if (!group_version) {
    return fail(unrecognized(gvk.kind, group_version.error().message(), call.request.body));
  }
  if (kind.empty()) kind = gvk.kind;
  const std::string version = version_text.empty() ? std::string(gvk.version) : group_version->version;
  const std::string group = version_text.empty() ? std::string(gvk.group) : group_version->group;
  if (kind != gvk.kind || version != gvk.version || group != gvk.group) {
    const std::string head = cat(kind, " in version ", quoted(version), " cannot be handled as a ", gvk.kind, ": ");
    const auto* other = api::find_type(group, version, kind);
    if (other == nullptr) {
      return fail(bad_request(cat(head, "no kind ", quoted(kind), " is registered for version ",
                                  quoted(version_text), " in scheme \"pkg/api/legacyscheme/scheme.go:30\"")));
    }
    return fail(bad_request(cat(head, "converting (", other->go_package, ".", other->name, ") to (", go_internal(type),
                                ".", type.name, "): unknown conversion")));
  }
  KPP_ASSIGN(const FieldValidation validation, field_validation(call));
  api::Object out(type);
  std::vector<std::string> unknown;
  api::DecodeOptions options;
  if (validation != FieldValidation::kIgnore) options.unknown_fields = &unknown;
  if (document.is_object()) {
    if (Status s = api::from_json(document, type, out.data(), options); !s.ok()) {
      return fail(bad_request(cat(kind, " in version ", quoted(version), " cannot be handled as a ", gvk.kind, ": ", s.message())));
    }
  }
  take_write_only_fields(out);
  if (validation == FieldValidation::kIgnore) return out;
  std::vector<std::string> problems;
  for (const auto& path : duplicates) problems.push_back(cat("duplicate field ", quoted(path)));
  for (const auto& path : unknown) problems.push_back(cat("unknown field ", quoted(path)));
  if (problems.empty()) return out;
  if (validation == FieldValidation::kStrict) {
    return fail(bad_request(cat(kind, " in version ", quoted(version), " cannot be handled as a ", gvk.kind,
                                ": strict decoding error: ", join(problems, ", "))));
  }
  for (auto& problem : problems) call.warnings.push_back(std::move(problem));
  return out;
}

}  // namespace kpp::apiserver
