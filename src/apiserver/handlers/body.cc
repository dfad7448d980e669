// Bodies of writes: parsing, kind checks, unknown and duplicate fields.
#include <algorithm>

#include "api/corev1.h"
#include "api/json_body.h"
#include "api/proto_codec.h"
#include "apiserver/audit/request_object.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/options.h"
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
  if (kind.empty()) return bad_request(std::string(why));
  return bad_request(cat("the object provided is unrecognized (must be of type ", kind, "): ", why,
                         " (", excerpt(body), ")"));
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

// The paths of lists that stand as [] in an object or in the objects within it.
void find_empty_lists(const json::Value& v, const std::string& path,
                      std::vector<std::string>& out) {
  if (const auto* array = v.if_array(); array != nullptr && array->empty()) out.push_back(path);
  const auto* object = v.if_object();
  if (object == nullptr) return;
  for (const auto& [name, child] : *object) {
    if (!child.is_object() && !child.is_array()) continue;
    find_empty_lists(
        child, cat(path, path.empty() ? "" : ".", std::string_view(name.data(), name.size())), out);
  }
}

std::string go_internal(const api::TypeDesc& type) {
  // k8s.io.api.core.v1 -> core
  const std::string_view package = type.package;
  const auto last = package.rfind('.');
  const auto before = package.rfind('.', last - 1);
  return std::string(package.substr(before + 1, last - before - 1));
}

// Whether a body is of the kind that is expected here; what it leaves out is taken to be so.
bool is_of(const api::Gvk& gvk, const api::JsonBody& body) {
  if (!body.kind.empty() && body.kind != gvk.kind) return false;
  if (body.api_version.empty()) return true;
  return gvk.group.empty() ? body.api_version == gvk.version
                           : body.api_version == cat(gvk.group, "/", gvk.version);
}

}  // namespace

void take_write_only_fields(api::Object& object) {
  auto* secret = object.as<corev1::Secret>();
  if (secret == nullptr) return;
  for (auto& [key, value] : secret->string_data) secret->data[key] = value;
  secret->string_data.clear();
}

Result<Body> parse_body(const Call& call, std::string_view expected_kind) {
  KPP_ASSIGN(const MediaType media, body_media(call.request.headers));
  Body out;
  if (media == MediaType::kJson) {
    json::ParseOptions options;
    options.duplicates = &out.duplicates;
    auto document = json::parse(call.request.body, options);
    if (!document) {
      return fail(unrecognized(
          expected_kind,
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
    return fail(
        unrecognized(expected_kind,
                     cat("couldn't get version/kind; json parse error: json: cannot unmarshal ",
                         json_kind(out.document),
                         " into Go value of type struct { APIVersion string "
                         "\"json:\\\"apiVersion,omitempty\\\"\"; "
                         "Kind string \"json:\\\"kind,omitempty\\\"\" }"),
                     call.request.body));
  }
  return out;
}

namespace {

Result<api::Object> read_object(Call& call, const api::TypeDesc& type) {
  const auto& gvk = type.gvks.front();
  KPP_ASSIGN(const MediaType media, body_media(call.request.headers));
  if (media == MediaType::kProtobuf) {
    auto envelope = api::parse_envelope(call.request.body);
    if (!envelope)
      return fail(unrecognized(gvk.kind, envelope.error().message(), call.request.body));
    if (!envelope->kind.empty() && envelope->kind != gvk.kind) {
      return fail(bad_request(cat(envelope->kind, " in version ", quoted(gvk.version),
                                  " cannot be handled as a ", gvk.kind)));
    }
    api::Object out(type);
    KPP_RETURN_IF_ERROR(api::from_proto(envelope->raw, type, out.data()));
    return out;
  }
  if (media == MediaType::kJson) {
    api::Object out(type);
    if (auto body = api::read_json_body(call.request.body, type, out.data());
        body && is_of(gvk, *body)) {
      call.empty_lists = std::move(body->empty_lists);
      take_write_only_fields(out);
      return out;
    }
  }
  KPP_ASSIGN(Body body, parse_body(call, gvk.kind));
  return decode_document(call, type, body.document, body.duplicates);
}

}  // namespace

Result<api::Object> decode_object(Call& call, const api::TypeDesc& type) {
  auto out = read_object(call, type);
  if (out) note_request_object(call, *out);
  return out;
}

namespace {

struct KindOf {
  std::string group, version, kind;
};

// The kind that a document says it is, completed by the one that is expected.
Result<KindOf> kind_of(const Call& call, const api::TypeDesc& type, const json::Value& document) {
  const auto& gvk = type.gvks.front();
  KindOf out{std::string(gvk.group), std::string(gvk.version), std::string(gvk.kind)};
  if (const auto kind = json::text_at(document, "kind"); !kind.empty()) out.kind = kind;
  if (const auto text = json::text_at(document, "apiVersion"); !text.empty()) {
    auto parsed = parse_group_version(text);
    if (!parsed) return fail(unrecognized(gvk.kind, parsed.error().message(), call.request.body));
    out.group = std::move(parsed->group);
    out.version = std::move(parsed->version);
  }
  return out;
}

Status check_kind(const api::TypeDesc& type, const json::Value& document, const KindOf& has) {
  const auto& gvk = type.gvks.front();
  if (has.kind == gvk.kind && has.version == gvk.version && has.group == gvk.group) return {};
  const auto* other = api::find_type(has.group, has.version, has.kind);
  if (other == nullptr) {
    return Status(Reason::kInvalid, cat("no kind ", quoted(has.kind), " is registered for version ",
                                        quoted(json::text_at(document, "apiVersion")),
                                        " in scheme \"pkg/api/legacyscheme/scheme.go:30\""));
  }
  return Status(Reason::kInvalid, cat("converting (", other->go_package, ".", other->name, ") to (",
                                      go_internal(type), ".", type.name, "): unknown conversion"));
}

Result<api::Object> decode(Call& call, const api::TypeDesc& type, const json::Value& document,
                           const KindOf& has, const std::vector<std::string>& duplicates) {
  if (Status s = check_kind(type, document, has); !s.ok()) return fail(std::move(s));
  const FieldValidation validation = field_validation(call);
  api::Object out(type);
  std::vector<std::string> unknown;
  api::DecodeOptions options;
  if (validation != FieldValidation::kIgnore) options.unknown_fields = &unknown;
  find_empty_lists(document, {}, call.empty_lists);
  if (document.is_object()) {
    if (Status s = api::from_json(document, type, out.data(), options); !s.ok())
      return fail(Reason::kInvalid, s.message());
  }
  take_write_only_fields(out);
  if (validation == FieldValidation::kIgnore) return out;
  std::vector<std::string> problems;
  for (const auto& path : duplicates) problems.push_back(cat("duplicate field ", quoted(path)));
  for (const auto& path : unknown) problems.push_back(cat("unknown field ", quoted(path)));
  if (problems.empty()) return out;
  if (validation == FieldValidation::kStrict) {
    return fail(Reason::kInvalid, cat("strict decoding error: ", join(problems, ", ")));
  }
  for (auto& problem : problems) call.warnings.push_back(std::move(problem));
  return out;
}

}  // namespace

Result<api::Object> decode_patched(Call& call, const api::TypeDesc& type,
                                   const json::Value& document,
                                   const std::vector<std::string>& duplicates) {
  KPP_ASSIGN(const KindOf has, kind_of(call, type, document));
  return decode(call, type, document, has, duplicates);
}

Result<api::Object> decode_document(Call& call, const api::TypeDesc& type,
                                    const json::Value& document,
                                    const std::vector<std::string>& duplicates) {
  KPP_ASSIGN(const KindOf has, kind_of(call, type, document));
  auto out = decode(call, type, document, has, duplicates);
  if (out || !out.error().is(Reason::kInvalid)) return out;
  return fail(
      bad_request(cat(has.kind, " in version ", quoted(has.version), " cannot be handled as a ",
                      type.gvks.front().kind, ": ", out.error().message())));
}

}  // namespace kpp::apiserver
