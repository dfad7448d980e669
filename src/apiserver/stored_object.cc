#include "apiserver/stored_object.h"

#include "api/json_codec.h"
#include "api/meta.h"
#include "api/proto_codec.h"
#include "apiserver/conversion.h"
#include "codec/json.h"

namespace kpp::apiserver {
namespace {

// What protobuf begins with.
constexpr std::string_view kProtobuf("k8s\0", 4);
constexpr std::string_view kEncrypted = "k8s:enc:";

std::unexpected<Status> corrupt(std::string why) { return fail(Reason::kCorrupt, std::move(why)); }

// The type that the bytes are of: the storage version, as a rule.
const api::TypeDesc* type_of(const ServedResource& resource, std::string_view api_version,
                             std::string_view kind) {
  if (api_version == resource.api_version() && kind == resource.kind()) return resource.type;
  const auto slash = api_version.find('/');
  const bool core = slash == std::string_view::npos;
  return api::find_type(core ? "" : api_version.substr(0, slash),
                        core ? api_version : api_version.substr(slash + 1), kind);
}

Result<StoredObject> in_storage_version(const ServedResource& resource, api::Object object) {
  StoredObject out;
  out.object =
      &object.desc() == resource.type ? std::move(object) : convert(object, *resource.type);
  // The store's own revision counts; whatever a value says of it is old.
  if (auto* meta = api::metadata(out.object)) meta->resource_version.clear();
  api::to_json(out.json, *resource.type, out.object.data());
  return out;
}

Result<StoredObject> read_protobuf(const ServedResource& resource, const std::string& stored) {
  KPP_ASSIGN(const api::Envelope envelope, api::parse_envelope(stored));
  const api::TypeDesc* type = type_of(resource, envelope.api_version, envelope.kind);
  if (type == nullptr || !can_convert(*type, *resource.type))
    return corrupt(cat("no object of ", resource.name(), ": ", envelope.api_version,
                       ", Kind=", envelope.kind));
  api::Object object(*type);
  KPP_RETURN_IF_ERROR(api::from_proto(envelope.raw, *type, object.data()));
  return in_storage_version(resource, std::move(object));
}

}  // namespace

Result<api::Object> read_stored(const api::TypeDesc& type, const std::string& stored) {
  api::Object out(type);
  if (stored.starts_with(kProtobuf)) {
    KPP_ASSIGN(const api::Envelope envelope, api::parse_envelope(stored));
    KPP_RETURN_IF_ERROR(api::from_proto(envelope.raw, type, out.data()));
  } else {
    KPP_RETURN_IF_ERROR(api::from_json_text(stored, type, out.data()));
  }
  return out;
}

Result<StoredObject> read_stored(const ServedResource& resource, const std::string& stored) {
  if (stored.starts_with(kProtobuf)) return read_protobuf(resource, stored);
  if (stored.starts_with(kEncrypted)) return corrupt("the object is encrypted");
  // Ours begin so, whatever field order others have.
  const bool ours = stored.starts_with(
      cat(R"({"kind":")", resource.kind(), R"(","apiVersion":")", resource.api_version(), "\""));
  if (ours) {
    StoredObject out;
    out.object = api::Object(*resource.type);
    KPP_RETURN_IF_ERROR(api::from_json_text(stored, *resource.type, out.object.data()));
    return out;
  }
  KPP_ASSIGN(const json::Value document, json::parse(stored));
  const api::TypeDesc* type =
      type_of(resource, json::text_at(document, "apiVersion"), json::text_at(document, "kind"));
  if (type == nullptr || !can_convert(*type, *resource.type))
    return corrupt(cat("no object of ", resource.name()));
  api::Object object(*type);
  KPP_RETURN_IF_ERROR(api::from_json(document, *type, object.data()));
  return in_storage_version(resource, std::move(object));
}

}  // namespace kpp::apiserver
