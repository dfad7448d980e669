#include "api/openapi/openapi.h"

#include <set>
#include <vector>

#include "api/meta.h"
#include "api/schema.h"
#include "codec/json.h"

namespace kpp::api {
namespace {

// How the two dialects differ: where definitions stand and how bodies are described.
enum class Dialect { kV2, kV3 };

std::string text(std::string_view value) {
  std::string out;
  json::write_string(out, value);
  return out;
}

// The definition name of a type as the original publishes it.
std::string definition(const TypeDesc& type) { return type.full_name(); }

class Builder {
 public:
  explicit Builder(Dialect dialect) : dialect_(dialect) {}

  void need(const TypeDesc& type) {
    if (!seen_.insert(&type).second) return;
    order_.push_back(&type);
    for (const auto& field : type.fields) {
      if (field.type == FieldType::kMessage) need(*field.message());
    }
  }

  std::string definitions() const {
    std::string out = "{";
    for (const auto* type : order_) {
      if (out.size() > 1) out += ',';
      out += cat(text(definition(*type)), ":", schema(*type));
    }
    for (const auto& [name, body] : specials()) out += cat(out.size() > 1 ? "," : "", text(name), ":", body);
    return out + "}";
  }

  std::string reference(std::string_view name) const {
    const std::string_view root = dialect_ == Dialect::kV2 ? "#/definitions/" : "#/components/schemas/";
    return cat("\"$ref\":", text(cat(root, name)));
  }

 private:
  static const std::vector<std::pair<std::string, std::string>>& specials() {
    static const std::vector<std::pair<std::string, std::string>> kSpecials = {
        {"io.k8s.apimachinery.pkg.apis.meta.v1.Time", R"({"type":"string","format":"date-time","description":"A moment, RFC 3339, to the second."})"},
        {"io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
         R"({"type":"string","format":"date-time","description":"A moment, RFC 3339, to the microsecond."})"},
        {"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", R"({"type":"object","description":"A set of field paths."})"},
        {"io.k8s.apimachinery.pkg.runtime.RawExtension", R"({"type":"object","description":"An object of any kind."})"},
    };
    return kSpecials;
  }

  std::string value_schema(const FieldDesc& field) const {
    switch (field.type) {
      case FieldType::kBool: return R"("type":"boolean")";
      case FieldType::kInt32:
      case FieldType::kUint32: return R"("type":"integer","format":"int32")";
      case FieldType::kInt64:
      case FieldType::kUint64: return R"("type":"integer","format":"int64")";
      case FieldType::kDouble: return R"("type":"number","format":"double")";
      case FieldType::kString:
      case FieldType::kDuration: return R"("type":"string")";
      case FieldType::kBytes: return R"("type":"string","format":"byte")";
      case FieldType::kMessage: return reference(definition(*field.message()));
      case FieldType::kTime: return reference("io.k8s.apimachinery.pkg.apis.meta.v1.Time");
      case FieldType::kMicroTime: return reference("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime");
      case FieldType::kQuantity: return dialect_ == Dialect::kV3 ? R"("oneOf":[{"type":"string"},{"type":"number"}])" : R"("type":"string")";
      case FieldType::kIntOrString:
        return dialect_ == Dialect::kV3 ? R"("format":"int-or-string","oneOf":[{"type":"integer"},{"type":"string"}])"
                                        : R"("type":"string","format":"int-or-string")";
      case FieldType::kRawJson: return R"("type":"object")";
      case FieldType::kStringList: return R"("type":"array","items":{"type":"string"})";
    }
    return {};
  }

  static std::string list_extensions(const FieldDesc& field) {
    std::string out;
    if (field.list_type == ListType::kMap) {
      out += ",\"x-kubernetes-list-map-keys\":[";
      for (std::size_t i = 0; i < field.list_map_keys.size(); ++i) out += cat(i > 0 ? "," : "", text(field.list_map_keys[i]));
      out += ']';
    }
    if (field.list_type != ListType::kNone) {
      out += cat(",\"x-kubernetes-list-type\":", field.list_type == ListType::kMap   ? "\"map\""
                                                 : field.list_type == ListType::kSet ? "\"set\""
                                                                                     : "\"atomic\"");
    }
    return out;
  }

  std::string property(const FieldDesc& field) const {
    std::string out = "{";
    if (!field.doc.empty()) out += cat("\"description\":", text(field.doc), ",");
    const std::string value = value_schema(field);
    if (field.cardinality == Cardinality::kList) {
      out += cat("\"type\":\"array\",\"items\":{", value, "}", list_extensions(field));
    } else if (field.cardinality == Cardinality::kMap) {
      out += cat("\"type\":\"object\",\"additionalProperties\":{", value, "}");
    } else if (dialect_ == Dialect::kV3 && value.starts_with("\"$ref\"")) {
      // In OpenAPI 3.0 a $ref hides what stands beside it.
      out += cat("\"allOf\":[{", value, "}]");
    } else {
      out += value;
    }
    if (field.map_atomic) out += ",\"x-kubernetes-map-type\":\"atomic\"";
    if (!field.patch_merge_key.empty()) out += cat(",\"x-kubernetes-patch-merge-key\":", text(field.patch_merge_key));
    if (!field.patch_strategy.empty()) out += cat(",\"x-kubernetes-patch-strategy\":", text(field.patch_strategy));
    if (!field.schema_default.empty()) out += cat(",\"default\":", field.schema_default);
    if (!field.enum_values.empty()) {
      out += ",\"enum\":[";
      for (std::size_t i = 0; i < field.enum_values.size(); ++i) out += cat(i > 0 ? "," : "", text(field.enum_values[i]));
      out += ']';
    }
    return out + "}";
  }

  void properties(const TypeDesc& type, std::string& out, std::vector<std::string_view>& required) const {
    for (const auto& field : type.fields) {
      if (field.inlined) {
        properties(*field.message(), out, required);
        continue;
      }
      if (!out.empty()) out += ',';
      out += cat(text(field.json_name), ":", property(field));
      if (field.required) required.push_back(field.json_name);
    }
  }

  std::string schema(const TypeDesc& type) const {
    std::string props;
    std::vector<std::string_view> required;
    if (type.is_root()) {
      props = R"("apiVersion":{"type":"string","description":"Group and version of this object's schema."},)"
              R"("kind":{"type":"string","description":"The kind of this object."})";
    }
    properties(type, props, required);
    std::string out = "{\"type\":\"object\"";
    if (!type.doc.empty()) out += cat(",\"description\":", text(type.doc));
    if (!props.empty()) out += cat(",\"properties\":{", props, "}");
    if (!required.empty()) {
      out += ",\"required\":[";
      for (std::size_t i = 0; i < required.size(); ++i) out += cat(i > 0 ? "," : "", text(required[i]));
      out += ']';
    }
    if (type.map_atomic) out += ",\"x-kubernetes-map-type\":\"atomic\"";
    if (!type.unions.empty()) out += cat(",\"x-kubernetes-unions\":", type.unions);
    if (type.is_root()) {
      out += ",\"x-kubernetes-group-version-kind\":[";
      bool first = true;
      for (const auto& gvk : type.gvks) {
        out += cat(first ? "" : ",", gvk_json(gvk));
        first = false;
      }
      out += ']';
    }
    return out + "}";
  }

 public:
  static std::string gvk_json(const Gvk& gvk) {
    return cat("{\"group\":", text(gvk.group), ",\"kind\":", text(gvk.kind), ",\"version\":", text(gvk.version), "}");
  }

 private:
  const Dialect dialect_;
  std::set<const TypeDesc*> seen_;
  std::vector<const TypeDesc*> order_;
};

bool has_verb(std::string_view verbs, std::string_view verb) {
  for (std::size_t at = 0; at < verbs.size();) {
    auto comma = verbs.find(',', at);
    if (comma == std::string_view::npos) comma = verbs.size();
    if (verbs.substr(at, comma - at) == verb) return true;
    at = comma + 1;
  }
  return false;
}

struct Operation {
  std::string_view method, verb, action;
  bool on_name;
};
constexpr Operation kOperations[] = {
    {"get", "list", "list", false},         {"post", "create", "post", false},  {"delete", "deletecollection", "deletecollection", false},
    {"get", "get", "get", true},            {"put", "update", "put", true},     {"patch", "patch", "patch", true},
    {"delete", "delete", "delete", true},
};

std::string parameter(Dialect dialect, std::string_view name, std::string_view in, std::string_view type) {
  const std::string required = in == "path" ? ",\"required\":true" : "";
  if (dialect == Dialect::kV2) {
    return cat("{\"name\":", text(name), ",\"in\":", text(in), required, ",\"type\":", text(type), ",\"uniqueItems\":true}");
  }
  return cat("{\"name\":", text(name), ",\"in\":", text(in), required, ",\"schema\":{\"type\":", text(type), ",\"uniqueItems\":true}}");
}

std::string operation(Dialect dialect, const Builder& builder, const TypeDesc& type, const Operation& op) {
  std::string out = cat("\"", op.method, "\":{\"operationId\":", text(cat(op.action, type.name, op.on_name ? "Named" : "")));
  // Which query options a write takes: kubectl looks here whether the server validates fields.
  std::string parameters;
  if (op.action == "post" || op.action == "put" || op.action == "patch") {
    for (const char* name : {"dryRun", "fieldManager", "fieldValidation"}) {
      parameters += cat(parameters.empty() ? "" : ",", parameter(dialect, name, "query", "string"));
    }
    if (op.action == "patch") parameters += cat(",", parameter(dialect, "force", "query", "boolean"));
  }
  const std::string body = cat("{", builder.reference(definition(type)), "}");
  if (dialect == Dialect::kV2) {
    if (op.action == "post" || op.action == "put") {
      parameters += cat(",{\"name\":\"body\",\"in\":\"body\",\"required\":true,\"schema\":", body, "}");
    }
    out += cat(",\"responses\":{\"200\":{\"description\":\"OK\",\"schema\":", body, "}}");
  } else {
    if (op.action == "post" || op.action == "put") {
      out += cat(",\"requestBody\":{\"content\":{\"*/*\":{\"schema\":", body, "}},\"required\":true}");
    }
    out += cat(",\"responses\":{\"200\":{\"description\":\"OK\",\"content\":{\"application/json\":{\"schema\":", body, "}}}}");
  }
  if (!parameters.empty()) out += cat(",\"parameters\":[", parameters, "]");
  return out + cat(",\"x-kubernetes-action\":", text(op.action), ",\"x-kubernetes-group-version-kind\":",
                   Builder::gvk_json(type.gvks.front()), "}");
}

void paths_of(Dialect dialect, Builder& builder, const TypeDesc& type, std::string& out) {
  const auto& gvk = type.gvks.front();
  const auto& resource = *type.resource;
  const std::string root = gvk.group.empty() ? cat("/api/", gvk.version) : cat("/apis/", gvk.group, "/", gvk.version);
  const std::string collection = resource.namespaced ? cat(root, "/namespaces/{namespace}/", resource.plural) : cat(root, "/", resource.plural);
  builder.need(type);
  for (const bool on_name : {false, true}) {
    std::string operations;
    for (const auto& op : kOperations) {
      if (op.on_name != on_name || !has_verb(resource.verbs, op.verb)) continue;
      operations += cat(operations.empty() ? "" : ",", operation(dialect, builder, type, op));
    }
    if (operations.empty()) continue;
    std::string parameters;
    if (on_name) parameters = parameter(dialect, "name", "path", "string");
    if (resource.namespaced) parameters += cat(parameters.empty() ? "" : ",", parameter(dialect, "namespace", "path", "string"));
    out += cat(out.empty() ? "" : ",", text(on_name ? cat(collection, "/{name}") : collection), ":{", operations,
               parameters.empty() ? "" : cat(",\"parameters\":[", parameters, "]"), "}");
  }
}

}  // namespace

std::string openapi_v3(std::string_view group, std::string_view version) {
  Builder builder(Dialect::kV3);
  std::string paths;
  for (const auto* type : all_types()) {
    if (type->gvks.empty() || type->gvks.front().group != group || type->gvks.front().version != version) continue;
    if (type->resource != nullptr) paths_of(Dialect::kV3, builder, *type, paths);
  }
  return cat(R"({"openapi":"3.0.0","info":{"title":"Kubernetes","version":"v1.36.2"},"paths":{)", paths,
             "},\"components\":{\"schemas\":", builder.definitions(), "}}");
}

std::string openapi_v2() {
  Builder builder(Dialect::kV2);
  std::string paths;
  for (const auto* type : all_types()) {
    if (!type->gvks.empty() && type->resource != nullptr) paths_of(Dialect::kV2, builder, *type, paths);
  }
  return cat(R"({"swagger":"2.0","info":{"title":"Kubernetes","version":"v1.36.2"},"paths":{)", paths, "},\"definitions\":",
             builder.definitions(), "}");
}

}  // namespace kpp::api
