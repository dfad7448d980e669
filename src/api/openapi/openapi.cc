#include "api/openapi/openapi.h"

#include "api/meta.h"
#include "api/openapi/schemas.h"
#include "base/version.h"

namespace kpp::api {
namespace {

using openapi::Dialect;

boost::json::string_view text(std::string_view v) { return {v.data(), v.size()}; }

json::Object parameter(std::string_view name, std::string_view in, Dialect dialect,
                       std::string_view type = "string") {
  json::Object out;
  out["name"] = text(name);
  out["in"] = text(in);
  if (in == "path") out["required"] = true;
  if (dialect == Dialect::kV2) {
    out["type"] = text(type);
    out["uniqueItems"] = true;
  } else {
    json::Object schema;
    schema["type"] = text(type);
    out["schema"] = std::move(schema);
  }
  return out;
}

struct Operation {
  std::string_view verb;    // of the API
  std::string_view method;  // of HTTP
  bool of_item;
  std::string_view action;  // x-kubernetes-action
};

constexpr Operation kOperations[] = {
    {"get", "get", true, "get"},
    {"list", "get", false, "list"},
    {"create", "post", false, "post"},
    {"update", "put", true, "put"},
    {"patch", "patch", true, "patch"},
    {"delete", "delete", true, "delete"},
    {"deletecollection", "delete", false, "deletecollection"},
};

bool has_verb(std::string_view verbs, std::string_view verb) {
  while (!verbs.empty()) {
    const auto comma = std::min(verbs.find(','), verbs.size());
    if (verbs.substr(0, comma) == verb) return true;
    verbs.remove_prefix(std::min(comma + 1, verbs.size()));
  }
  return false;
}

json::Object operation(const TypeDesc& desc, const Operation& op, Dialect dialect) {
  const std::string name = desc.full_name();
  json::Object out;
  out["operationId"] =
      cat(op.action, desc.gvks.front().group, desc.gvks.front().version, desc.name);
  out["x-kubernetes-action"] = text(op.action);
  out["x-kubernetes-group-version-kind"] = openapi::group_version_kind(desc.gvks.front());
  json::Array parameters;
  const bool writes = op.method == "post" || op.method == "put" || op.method == "patch";
  if (writes) {
    for (const auto* query : {"dryRun", "fieldManager", "fieldValidation"}) {
      parameters.push_back(parameter(query, "query", dialect));
    }
    if (op.method == "patch") parameters.push_back(parameter("force", "query", dialect, "boolean"));
    const json::Object body = openapi::reference(
        op.method == "patch" ? "io.k8s.apimachinery.pkg.apis.meta.v1.Patch" : name, dialect);
    if (dialect == Dialect::kV2) {
      json::Object in_body;
      in_body["name"] = "body";
      in_body["in"] = "body";
      in_body["required"] = true;
      in_body["schema"] = body;
      parameters.push_back(std::move(in_body));
    } else {
      json::Object media;
      media["schema"] = body;
      json::Object content;
      content[op.method == "patch" ? "application/merge-patch+json" : "*/*"] = std::move(media);
      json::Object request;
      request["content"] = std::move(content);
      request["required"] = true;
      out["requestBody"] = std::move(request);
    }
  }
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  json::Object ok;
  ok["description"] = "OK";
  if (dialect == Dialect::kV2) {
    ok["schema"] = openapi::reference(name, dialect);
  } else {
    json::Object media;
    media["schema"] = openapi::reference(name, dialect);
    json::Object content;
    content["application/json"] = std::move(media);
    ok["content"] = std::move(content);
  }
  json::Object responses;
  responses["200"] = std::move(ok);
  out["responses"] = std::move(responses);
  return out;
}

void add_path(json::Object& paths, const std::string& path, const TypeDesc& desc, bool of_item,
              Dialect dialect) {
  json::Object item;
  for (const auto& op : kOperations) {
    if (op.of_item == of_item && has_verb(desc.resource->verbs, op.verb)) {
      item[text(op.method)] = operation(desc, op, dialect);
    }
  }
  if (item.empty()) return;
  json::Array parameters;
  if (of_item) parameters.push_back(parameter("name", "path", dialect));
  if (path.find("{namespace}") != std::string::npos)
    parameters.push_back(parameter("namespace", "path", dialect));
  if (!parameters.empty()) item["parameters"] = std::move(parameters);
  paths[path] = std::move(item);
}

void add_resource(json::Object& paths, json::Object& schemas, const TypeDesc& desc,
                  Dialect dialect) {
  openapi::add_type(schemas, desc, dialect);
  const std::string collection =
      resource_path(desc, desc.resource->namespaced ? "{namespace}" : "");
  add_path(paths, collection, desc, false, dialect);
  add_path(paths, collection + "/{name}", desc, true, dialect);
}

bool in(const TypeDesc& desc, std::string_view group, std::string_view version) {
  for (const auto& gvk : desc.gvks) {
    if (gvk.group == group && gvk.version == version) return true;
  }
  return false;
}

json::Object patch_schema() {
  json::Object out;
  out["type"] = "object";
  out["description"] =
      "The change of an object: a patch in one of the forms that the content type names.";
  return out;
}

json::Object info() {
  json::Object out;
  out["title"] = "Kubernetes";
  out["version"] = kKubernetesVersion;
  return out;
}

}  // namespace

std::string openapi_path(std::string_view group, std::string_view version) {
  return group.empty() ? cat("api/", version) : cat("apis/", group, "/", version);
}

std::string openapi_v3(std::string_view group, std::string_view version) {
  json::Object schemas;
  json::Object paths;
  for (const TypeDesc* type : all_types()) {
    if (!in(*type, group, version)) continue;
    if (type->resource != nullptr) {
      add_resource(paths, schemas, *type, Dialect::kV3);
    } else {
      openapi::add_type(schemas, *type, Dialect::kV3);
    }
  }
  schemas["io.k8s.apimachinery.pkg.apis.meta.v1.Patch"] = patch_schema();
  json::Object components;
  components["schemas"] = std::move(schemas);
  json::Object out;
  out["openapi"] = "3.0.0";
  out["info"] = info();
  out["paths"] = std::move(paths);
  out["components"] = std::move(components);
  return json::write(json::Value(std::move(out)));
}

std::string openapi_v2() {
  json::Object definitions;
  json::Object paths;
  for (const TypeDesc* type : all_types()) {
    if (type->gvks.empty()) continue;
    if (type->resource != nullptr) {
      add_resource(paths, definitions, *type, Dialect::kV2);
    } else {
      openapi::add_type(definitions, *type, Dialect::kV2);
    }
  }
  definitions["io.k8s.apimachinery.pkg.apis.meta.v1.Patch"] = patch_schema();
  json::Object out;
  out["swagger"] = "2.0";
  out["info"] = info();
  out["paths"] = std::move(paths);
  out["definitions"] = std::move(definitions);
  return json::write(json::Value(std::move(out)));
}

}  // namespace kpp::api
