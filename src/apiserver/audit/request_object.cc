#include "apiserver/audit/request_object.h"

#include "api/json_codec.h"
#include "api/proto_codec.h"
#include "codec/json.h"
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

Result<json::Value> read_body(const net::Request& request) {
  const std::string_view type = request.headers.get("Content-Type");
  if (type.starts_with("application/vnd.kubernetes.protobuf")) return read_envelope(request.body);
  if (type.find("yaml") != std::string_view::npos) return yaml::parse(request.body);
  return json::parse(request.body);
}

}  // namespace

void note_request_object(const Call& call, AuditTrail& trail) {
  const std::string& verb = call.info.verb;
  if (!trail.wants_name() || call.request.body.empty()) return;
  if (verb != "create" && verb != "update" && verb != "patch") return;
  const auto document = read_body(call.request);
  if (!document) return;
  if (verb != "patch") {
    trail.name_object(json::text_at(*document, "metadata.namespace"),
                      json::text_at(*document, "metadata.name"),
                      json::text_at(*document, "metadata.uid"),
                      json::text_at(*document, "metadata.resourceVersion"));
  }
  if (trail.wants_request()) trail.set_request(json::write(*document));
}

}  // namespace kpp::apiserver
