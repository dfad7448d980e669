#include "apiserver/audit/document.h"

#include "api/json_codec.h"
#include "api/proto_codec.h"
#include "codec/yaml.h"

namespace kpp::apiserver {
namespace {

Result<json::Value> read_envelope(std::string_view body) {
  KPP_ASSIGN(const api::Envelope envelope, api::parse_envelope(body));
  const auto slash = envelope.api_version.find('/');
  const std::string group = slash == std::string::npos ? "" : envelope.api_version.substr(0, slash);
  const std::string version =
      slash == std::string::npos ? envelope.api_version : envelope.api_version.substr(slash + 1);
  const api::TypeDesc* type = api::find_type(group, version, envelope.kind);
  if (type == nullptr) return fail(Reason::kBadRequest, "unknown kind");
  api::Object object(*type);
  KPP_RETURN_IF_ERROR(api::from_proto(envelope.raw, *type, object.data()));
  std::string text;
  api::to_json(text, *type, object.data());
  return json::parse(text);
}

}  // namespace

Result<json::Value> read_document(std::string_view type, std::string_view body) {
  if (type.starts_with("application/vnd.kubernetes.protobuf")) return read_envelope(body);
  if (type.contains("yaml")) return yaml::parse(body);
  return json::parse(body);
}

}  // namespace kpp::apiserver
