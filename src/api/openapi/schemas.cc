#include "api/openapi/schemas.h"

namespace kpp::api::openapi {
namespace {

constexpr std::string_view kTime = "io.k8s.apimachinery.pkg.apis.meta.v1.Time";
constexpr std::string_view kMicroTime = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime";
constexpr std::string_view kQuantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
constexpr std::string_view kIntOrString = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

boost::json::string_view text(std::string_view v) { return {v.data(), v.size()}; }

json::Object typed(std::string_view type, std::string_view format = {}) {
  json::Object out;
  out["type"] = text(type);
  if (!format.empty()) out["format"] = text(format);
  return out;
}

json::Array strings(std::span<const std::string_view> values) {
  json::Array out;
  for (const auto v : values) out.emplace_back(text(v));
  return out;
}

void add_special(json::Object& schemas, std::string_view name, Dialect dialect) {
  json::Object schema;
  if (name == kTime || name == kMicroTime) {
    schema = typed("string", "date-time");
  } else if (dialect == Dialect::kV2) {
    schema = name == kIntOrString ? typed("string", "int-or-string") : typed("string");
  } else {
    schema["oneOf"] = name == kIntOrString ? json::Array{typed("integer"), typed("string")}
                                           : json::Array{typed("string"), typed("number")};
    if (name == kIntOrString) schema["format"] = "int-or-string";
  }
  schemas[text(name)] = std::move(schema);
}

// A reference; in v3 within allOf, so that members may stand beside it.
json::Object refer(json::Object& schemas, std::string_view name, Dialect dialect, bool special) {
  if (special && !schemas.contains(text(name))) add_special(schemas, name, dialect);
  json::Object ref = reference(name, dialect);
  if (dialect == Dialect::kV2) return ref;
  json::Object out;
  out["allOf"] = json::Array{std::move(ref)};
  return out;
}

json::Object element(json::Object& schemas, const FieldDesc& field, Dialect dialect) {
  switch (field.type) {
    case FieldType::kBool:
      return typed("boolean");
    case FieldType::kInt32:
    case FieldType::kUint32:
      return typed("integer", "int32");
    case FieldType::kInt64:
    case FieldType::kUint64:
      return typed("integer", "int64");
    case FieldType::kDouble:
      return typed("number", "double");
    case FieldType::kString:
    case FieldType::kDuration:
      return typed("string");
    case FieldType::kBytes:
      return typed("string", "byte");
    case FieldType::kTime:
      return refer(schemas, kTime, dialect, true);
    case FieldType::kMicroTime:
      return refer(schemas, kMicroTime, dialect, true);
    case FieldType::kQuantity:
      return refer(schemas, kQuantity, dialect, true);
    case FieldType::kIntOrString:
      return refer(schemas, kIntOrString, dialect, true);
    case FieldType::kRawJson:
      return typed("object");
    case FieldType::kStringList: {
      json::Object out = typed("array");
      out["items"] = typed("string");
      return out;
    }
    case FieldType::kMessage:
      break;
  }
  add_type(schemas, *field.message(), dialect);
  json::Object out = refer(schemas, field.message()->full_name(), dialect, false);
  if (dialect == Dialect::kV3 && field.cardinality != Cardinality::kOptional)
    out["default"] = json::Object();
  return out;
}

json::Object property(json::Object& schemas, const FieldDesc& field, Dialect dialect) {
  json::Object out;
  if (field.cardinality == Cardinality::kList) {
    out = typed("array");
    out["items"] = element(schemas, field, dialect);
  } else if (field.cardinality == Cardinality::kMap) {
    out = typed("object");
    out["additionalProperties"] = element(schemas, field, dialect);
  } else {
    out = element(schemas, field, dialect);
    if (!field.enum_values.empty()) out["enum"] = strings(field.enum_values);
    if (!field.schema_default.empty() && (dialect == Dialect::kV3 || !out.contains("$ref"))) {
      if (auto value = json::parse(field.schema_default)) out["default"] = std::move(*value);
    }
  }
  if (!field.doc.empty()) out["description"] = text(field.doc);
  if (field.list_type == ListType::kAtomic) out["x-kubernetes-list-type"] = "atomic";
  if (field.list_type == ListType::kSet) out["x-kubernetes-list-type"] = "set";
  if (field.list_type == ListType::kMap) {
    out["x-kubernetes-list-type"] = "map";
    out["x-kubernetes-list-map-keys"] = strings(field.list_map_keys);
  }
  if (field.map_atomic) out["x-kubernetes-map-type"] = "atomic";
  if (!field.patch_strategy.empty())
    out["x-kubernetes-patch-strategy"] = text(field.patch_strategy);
  if (!field.patch_merge_key.empty())
    out["x-kubernetes-patch-merge-key"] = text(field.patch_merge_key);
  return out;
}

void add_members(json::Object& schemas, const TypeDesc& desc, Dialect dialect,
                 json::Object& properties, json::Array& required) {
  for (const auto& field : desc.fields) {
    if (field.inlined) {
      add_members(schemas, *field.message(), dialect, properties, required);
      continue;
    }
    properties[text(field.json_name)] = property(schemas, field, dialect);
    if (field.required) required.emplace_back(text(field.json_name));
  }
}

}  // namespace

json::Object reference(std::string_view definition, Dialect dialect) {
  json::Object out;
  out["$ref"] =
      cat(dialect == Dialect::kV2 ? "#/definitions/" : "#/components/schemas/", definition);
  return out;
}

json::Object group_version_kind(const Gvk& gvk) {
  json::Object out;
  out["group"] = text(gvk.group);
  out["kind"] = text(gvk.kind);
  out["version"] = text(gvk.version);
  return out;
}

void add_type(json::Object& schemas, const TypeDesc& desc, Dialect dialect) {
  const std::string name = desc.full_name();
  if (schemas.contains(name)) return;
  schemas[name] = json::Object();  // types may hold themselves
  json::Object schema = typed("object");
  if (!desc.doc.empty()) schema["description"] = text(desc.doc);
  json::Object properties;
  json::Array required;
  if (desc.is_root()) {
    json::Object version = typed("string");
    version["description"] = "Group and version of the object's type, such as apps/v1.";
    json::Object kind = typed("string");
    kind["description"] = "Name of the object's type, in CamelCase; cannot change.";
    properties["apiVersion"] = std::move(version);
    properties["kind"] = std::move(kind);
  }
  add_members(schemas, desc, dialect, properties, required);
  if (!properties.empty()) schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  if (desc.is_root()) {
    json::Array kinds;
    for (const auto& gvk : desc.gvks) kinds.push_back(group_version_kind(gvk));
    schema["x-kubernetes-group-version-kind"] = std::move(kinds);
  }
  if (desc.map_atomic) schema["x-kubernetes-map-type"] = "atomic";
  if (!desc.unions.empty()) {
    if (auto unions = json::parse(desc.unions)) schema["x-kubernetes-unions"] = std::move(*unions);
  }
  schemas[name] = std::move(schema);
}

}  // namespace kpp::api::openapi
