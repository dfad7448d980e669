#include "client/testing/fake_api.h"

#include <algorithm>
#include <charconv>

#include "base/ids.h"
#include "client/testing/fake_patch.h"
#include "client/testing/fake_watch.h"

namespace kpp::client::testing {
namespace {

// What a name is in messages: "deployments.apps".
std::string qualified(const api::TypeDesc& type) {
  const auto group = type.gvks.front().group;
  return group.empty() ? std::string(type.resource->plural)
                       : cat(type.resource->plural, ".", group);
}

net::Response answer(int code, const json::Value& document) {
  return net::Response::text(code, "application/json", json::write(document));
}

net::Response answer_error(const Status& status) {
  json::Object body{{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", json::Object()},
                    {"status", "Failure"},
                    {"message", status.message()},
                    {"reason", reason_text(status.reason())},
                    {"code", status.code()}};
  const auto& d = status.details();
  body["details"] = json::Object{{"name", d.name}, {"group", d.group}, {"kind", d.kind}};
  auto out = answer(status.code(), body);
  if (d.retry_after_seconds > 0) out.headers.add("Retry-After", cat(d.retry_after_seconds));
  return out;
}

StatusDetails details_of(const api::TypeDesc& type, const std::string& name) {
  StatusDetails details;
  details.name = name;
  details.group = type.gvks.front().group;
  details.kind = type.resource->plural;
  return details;
}

Status not_found(const api::TypeDesc& type, const std::string& name) {
  return Status(Reason::kNotFound, cat(qualified(type), " ", quoted(name), " not found"),
                details_of(type, name));
}

// The Scale of an object with spec.replicas and a selector of labels.
json::Value scale_of(const json::Value& document) {
  json::Object spec;
  if (const json::Value* replicas = json::find(document, "spec.replicas"))
    spec["replicas"] = *replicas;
  std::string selector;
  const json::Value* labels = json::find(document, "spec.selector.matchLabels");
  if (labels && labels->is_object()) {
    for (const auto& [key, value] : labels->get_object())
      selector +=
          cat(selector.empty() ? "" : ",", std::string(key), "=", std::string(value.as_string()));
  }
  json::Object out{{"apiVersion", "autoscaling/v1"}, {"kind", "Scale"}};
  if (const json::Value* meta = json::find(document, "metadata")) out["metadata"] = *meta;
  out["spec"] = std::move(spec);
  out["status"] = json::Object{{"selector", selector}};
  return out;
}

json::Object& meta_of(json::Value& document) {
  json::Value& meta = document.as_object()["metadata"];
  if (!meta.is_object()) meta = json::Object();
  return meta.get_object();
}

bool has_items(const json::Value& document, std::string_view path) {
  const json::Value* list = json::find(document, path);
  return list && list->is_array() && !list->get_array().empty();
}

bool is_kind(const api::TypeDesc& type, std::string_view group, std::string_view plural) {
  return type.gvks.front().group == group && type.resource->plural == plural;
}
bool is_pod(const api::TypeDesc& type) { return is_kind(type, "", "pods"); }
bool is_namespace(const api::TypeDesc& type) { return is_kind(type, "", "namespaces"); }

bool has_subresource(const api::TypeDesc& type, std::string_view name) {
  const auto subs = type.resource->subresources;
  return std::any_of(subs.begin(), subs.end(), [&](const auto& s) { return s.name == name; });
}

json::Value without_resource_version(json::Value document) {
  meta_of(document).erase("resourceVersion");
  return document;
}

void set_member(json::Value& to, const json::Value& from, std::string_view name) {
  if (const json::Value* value = from.as_object().if_contains(name)) {
    to.as_object()[name] = *value;
  } else {
    to.as_object().erase(name);
  }
}

}  // namespace

struct FakeApi::Target {
  const api::TypeDesc* type = nullptr;
  api::ObjectKey key;
  std::string subresource;
};

FakeApi::FakeApi(async::Executor& executor)
    : executor_(executor), store_(executor), transport_(*this, "system:test", {"system:masters"}) {
  for (const auto* type : api::all_types()) {
    if (!type->resource || type->gvks.empty()) continue;
    const auto& gvk = type->gvks.front();
    types_[cat(gvk.group, "/", gvk.version, "/", type->resource->plural)] = type;
  }
}

std::string FakeApi::now() const { return api::Time::from(executor_.wall()).to_string(); }

void FakeApi::fail_next(std::string method, std::string path, Status status, int times) {
  failures_.push_back({std::move(method), std::move(path), std::move(status), times});
}

void FakeApi::break_watches() {
  ++watch_epoch_;
  store_.changed().pulse();
}

std::optional<FakeApi::Target> FakeApi::route(const std::string& path) const {
  std::vector<std::string> parts;
  for (std::size_t start = 1; start < path.size();) {
    const auto end = std::min(path.find('/', start), path.size());
    parts.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  std::string group, version;
  std::size_t i = 0;
  if (parts.size() >= 3 && parts[0] == "api") {
    version = parts[1];
    i = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    group = parts[1];
    version = parts[2];
    i = 3;
  } else {
    return std::nullopt;
  }
  Target target;
  std::string plural = parts[i];
  const bool is_namespace_subresource =
      parts.size() == i + 3 && (parts[i + 2] == "status" || parts[i + 2] == "finalize");
  if (plural == "namespaces" && parts.size() > i + 2 && !is_namespace_subresource) {
    target.key.namespace_ = parts[i + 1];
    plural = parts[i + 2];
    i += 2;
  }
  const auto found = types_.find(cat(group, "/", version, "/", plural));
  if (found == types_.end()) return std::nullopt;
  target.type = found->second;
  if (parts.size() > i + 1) target.key.name = parts[i + 1];
  if (parts.size() > i + 2) target.subresource = parts[i + 2];
  return target;
}

async::Task<net::Response> FakeApi::handle(net::Request request, async::StopToken) {
  requests_.push_back(cat(request.method, " ", request.path));
  for (auto it = failures_.begin(); it != failures_.end(); ++it) {
    const bool applies = (it->method.empty() || it->method == request.method) &&
                         request.path.find(it->path) != std::string::npos;
    if (!applies) continue;
    const Status status = it->status;
    if (--it->times == 0) failures_.erase(it);
    co_return answer_error(status);
  }
  const auto target = route(request.path);
  if (!target) {
    co_return answer_error(
        Status(Reason::kNotFound, "the server could not find the requested resource"));
  }
  co_return dispatch(request, *target);
}

net::Response FakeApi::dispatch(const net::Request& request, const Target& target) {
  const auto query = net::Query::parse(request.query);
  if (request.method == "GET" && target.key.name.empty()) {
    return query.get("watch") == "true" || query.get("watch") == "1" ? watch(target, query)
                                                                     : list(target, query);
  }
  if (request.method == "GET") {
    const auto doc = store_.get(*target.type, target.key);
    if (!doc) return answer_error(not_found(*target.type, target.key.name));
    return answer(200, target.subresource == "scale" ? scale_of(*doc) : *doc);
  }
  if (request.method == "DELETE" && target.key.name.empty()) {
    for (const auto& doc : store_.list(*target.type, target.key.namespace_)) {
      if (!matches_labels(*doc, query.get("labelSelector"))) continue;
      const api::ObjectKey key{std::string(json::text_at(*doc, "metadata.namespace")),
                               std::string(json::text_at(*doc, "metadata.name"))};
      (void)delete_object(*target.type, key, request.body);
    }
    return list(target, query);
  }
  if (request.method == "DELETE") return delete_object(*target.type, target.key, request.body);
  if (request.method == "PATCH") return patch(target, request);
  auto document = json::parse(request.body);
  if (!document || !document->is_object())
    return answer_error(Status(Reason::kBadRequest, "body is no object"));
  if (request.method == "PUT" && target.subresource == "scale") {
    const auto doc = store_.get(*target.type, target.key);
    if (!doc) return answer_error(not_found(*target.type, target.key.name));
    const json::Value* replicas = json::find(*document, "spec.replicas");
    json::Value scaled = *doc;
    scaled.as_object()["spec"].as_object()["replicas"] =
        replicas ? *replicas : json::Value(std::int64_t{0});
    return answer(200, scale_of(*put_document(*target.type, std::move(scaled))));
  }
  if (request.method == "PUT") return update(target, std::move(*document));
  if (request.method != "POST")
    return answer_error(Status(Reason::kMethodNotAllowed, "method not allowed"));
  if (target.subresource == "binding") return bind(target, *document);
  if (target.subresource == "eviction") return delete_object(*target.type, target.key, "{}");
  return create(target, std::move(*document));
}

net::Response FakeApi::list(const Target& target, const net::Query& query) {
  const WatchScope scope{target.type,
                         target.key.namespace_,
                         {},
                         std::string(query.get("labelSelector")),
                         std::string(query.get("fieldSelector"))};
  json::Array items;
  for (const auto& doc : store_.list(*target.type, target.key.namespace_)) {
    const api::ObjectKey key{std::string(json::text_at(*doc, "metadata.namespace")),
                             std::string(json::text_at(*doc, "metadata.name"))};
    if (scope.selects(key, *doc)) items.push_back(*doc);
  }
  return answer(
      200, json::Object{
               {"kind", cat(target.type->name, "List")},
               {"apiVersion", api::api_version(*target.type)},
               {"metadata", json::Object{{"resourceVersion", std::to_string(store_.revision())}}},
               {"items", std::move(items)}});
}

net::Response FakeApi::watch(const Target& target, const net::Query& query) {
  WatchScope scope{target.type,
                   target.key.namespace_,
                   {},
                   std::string(query.get("labelSelector")),
                   std::string(query.get("fieldSelector"))};
  const std::string from(query.get("resourceVersion"));
  std::int64_t revision = 0;
  std::from_chars(from.data(), from.data() + from.size(), revision);
  std::deque<std::string> first;
  const auto& history = store_.history();
  std::size_t position = history.size();
  if (revision == 0) {
    for (const auto& doc : store_.list(*target.type, target.key.namespace_)) {
      const api::ObjectKey key{std::string(json::text_at(*doc, "metadata.namespace")),
                               std::string(json::text_at(*doc, "metadata.name"))};
      if (scope.selects(key, *doc)) first.push_back(FakeWatch::line("ADDED", *doc));
    }
  } else if (revision < store_.compacted()) {
    return answer_error(Status(Reason::kExpired, cat("too old resource version: ", revision, " (",
                                                     store_.compacted(), ")")));
  } else {
    const auto it =
        std::upper_bound(history.begin(), history.end(), revision,
                         [](std::int64_t r, const auto& change) { return r < change.revision; });
    position = static_cast<std::size_t>(it - history.begin());
  }
  net::Response response;
  response.headers.add("Content-Type", "application/json");
  response.stream = std::make_unique<FakeWatch>(store_, std::move(scope), std::move(first),
                                                position, watch_epoch_);
  return response;
}

FakeStore::Doc FakeApi::put_document(const api::TypeDesc& type, json::Value document) {
  json::Object& meta = meta_of(document);
  const api::ObjectKey key{std::string(json::text_at(document, "metadata.namespace")),
                           std::string(json::text_at(document, "metadata.name"))};
  if (json::text_at(document, "metadata.uid").empty()) meta["uid"] = new_uuid();
  if (json::text_at(document, "metadata.creationTimestamp").empty())
    meta["creationTimestamp"] = now();
  return store_.put(type, key, std::move(document));
}

net::Response FakeApi::create(const Target& target, json::Value document) {
  const api::TypeDesc& type = *target.type;
  json::Object& meta = meta_of(document);
  std::string name(json::text_at(document, "metadata.name"));
  if (name.empty()) {
    const std::string base(json::text_at(document, "metadata.generateName"));
    if (base.empty())
      return answer_error(Status(Reason::kInvalid, "name or generateName is required"));
    name = base + random_suffix(5);
    meta["name"] = name;
  }
  if (type.resource->namespaced) meta["namespace"] = target.key.namespace_;
  const api::ObjectKey key{type.resource->namespaced ? target.key.namespace_ : std::string(), name};
  if (store_.get(type, key)) {
    return answer_error(Status(Reason::kAlreadyExists,
                               cat(qualified(type), " ", quoted(name), " already exists"),
                               details_of(type, name)));
  }
  if (type.resource->namespaced) {
    const auto* namespaces = types_.at("/v1/namespaces");
    const auto ns = store_.get(*namespaces, {"", key.namespace_});
    if (ns && !json::text_at(*ns, "metadata.deletionTimestamp").empty()) {
      StatusDetails details = details_of(type, name);
      details.causes.push_back({"NamespaceTerminating",
                                cat("namespace ", key.namespace_, " is being terminated"),
                                "metadata.namespace"});
      return answer_error(Status(Reason::kForbidden,
                                 cat(qualified(type), " ", quoted(name),
                                     " is forbidden: unable to create new content in namespace ",
                                     key.namespace_, " because it is being terminated"),
                                 std::move(details)));
    }
  }
  meta["uid"] = new_uuid();
  meta["creationTimestamp"] = now();
  meta.erase("deletionTimestamp");
  if (document.as_object().contains("spec") && !is_namespace(type)) meta["generation"] = 1;
  if (is_namespace(type)) {
    document.as_object()["spec"] = json::Object{{"finalizers", json::Array{"kubernetes"}}};
    document.as_object()["status"] = json::Object{{"phase", "Active"}};
  }
  if (is_pod(type)) {
    json::Value& status = document.as_object()["status"];
    if (!status.is_object()) status = json::Object();
    if (!status.get_object().contains("phase")) status.get_object()["phase"] = "Pending";
  }
  return answer(201, *store_.put(type, key, std::move(document)));
}

FakeStore::Doc FakeApi::save(const api::TypeDesc& type, const api::ObjectKey& key,
                             json::Value document) {
  const auto old = store_.get(type, key);
  if (old && without_resource_version(*old) == without_resource_version(document)) return old;
  const bool deleting = !json::text_at(document, "metadata.deletionTimestamp").empty();
  const bool graceful = json::int_at(document, "metadata.deletionGracePeriodSeconds") > 0;
  if (deleting && !graceful && !has_items(document, "metadata.finalizers") &&
      !(is_namespace(type) && has_items(document, "spec.finalizers"))) {
    store_.put(type, key, std::move(document));
    return store_.erase(type, key);
  }
  return store_.put(type, key, std::move(document));
}

net::Response FakeApi::update(const Target& target, json::Value document) {
  const api::TypeDesc& type = *target.type;
  const api::ObjectKey key{type.resource->namespaced ? target.key.namespace_ : std::string(),
                           target.key.name};
  const auto old = store_.get(type, key);
  if (!old) return answer_error(not_found(type, key.name));
  const auto given = json::text_at(document, "metadata.resourceVersion");
  const auto uid = json::text_at(document, "metadata.uid");
  if ((!given.empty() && given != json::text_at(*old, "metadata.resourceVersion")) ||
      (!uid.empty() && uid != json::text_at(*old, "metadata.uid"))) {
    return answer_error(Status(
        Reason::kConflict,
        cat("Operation cannot be fulfilled on ", qualified(type), " ", quoted(key.name),
            ": the object has been modified; please apply your changes to the latest version and "
            "try again"),
        details_of(type, key.name)));
  }
  for (const auto* name : {"uid", "creationTimestamp", "deletionTimestamp",
                           "deletionGracePeriodSeconds", "generation"}) {
    set_member(document.as_object()["metadata"], old->as_object().at("metadata"), name);
  }
  meta_of(document)["resourceVersion"] = json::text_at(*old, "metadata.resourceVersion");
  if (target.subresource == "status") {
    json::Value next = *old;
    set_member(next, document, "status");
    // A status update may set annotations there.
    if (is_kind(type, "apps", "deployments") || is_kind(type, "", "nodes")) {
      set_member(next.as_object()["metadata"], document.as_object()["metadata"], "annotations");
    }
    document = std::move(next);
  } else if (target.subresource == "finalize") {
    json::Value next = *old;
    set_member(next, document, "spec");
    document = std::move(next);
  } else {
    if (has_subresource(type, "status")) set_member(document, *old, "status");
    const json::Value* before = old->as_object().if_contains("spec");
    const json::Value* after = document.as_object().if_contains("spec");
    if (before && after && *before != *after && !is_namespace(type)) {
      meta_of(document)["generation"] = json::int_at(*old, "metadata.generation") + 1;
    }
  }
  return answer(200, *save(type, key, std::move(document)));
}

net::Response FakeApi::patch(const Target& target, const net::Request& request) {
  const api::ObjectKey key{
      target.type->resource->namespaced ? target.key.namespace_ : std::string(), target.key.name};
  const auto old = store_.get(*target.type, key);
  if (!old) return answer_error(not_found(*target.type, key.name));
  const auto change = json::parse(request.body);
  if (!change) return answer_error(change.error());
  const auto kind = request.headers.get("Content-Type");
  json::Value next = *old;
  if (kind == "application/json-patch+json") {
    if (!json_patch(next, *change))
      return answer_error(Status(Reason::kInvalid, "the patch does not fit"));
  } else if (kind == "application/strategic-merge-patch+json") {
    strategic_patch(next, *change, target.type);
  } else {
    merge_patch(next, *change);
  }
  return update(target, std::move(next));
}

net::Response FakeApi::delete_object(const api::TypeDesc& type, const api::ObjectKey& key,
                                     std::string_view options) {
  const auto old = store_.get(type, key);
  if (!old) return answer_error(not_found(type, key.name));
  const auto parsed = json::parse(options.empty() ? std::string_view("{}") : options);
  if (!parsed) return answer_error(parsed.error());
  for (const auto* name : {"uid", "resourceVersion"}) {
    const auto wanted = json::text_at(*parsed, cat("preconditions.", name));
    const auto stored = json::text_at(*old, cat("metadata.", name));
    if (wanted.empty() || wanted == stored) continue;
    const std::string_view label = std::string_view(name) == "uid" ? "UID" : "ResourceVersion";
    return answer_error(Status(Reason::kConflict,
                               cat("Precondition failed: ", label, " in precondition: ", wanted,
                                   ", ", label, " in object meta: ", stored),
                               details_of(type, key.name)));
  }
  json::Value next = *old;
  json::Object& meta = meta_of(next);
  const auto policy = json::text_at(*parsed, "propagationPolicy");
  if (json::text_at(next, "metadata.deletionTimestamp").empty() &&
      (policy == "Foreground" || policy == "Orphan")) {
    json::Value& finalizers = meta["finalizers"];
    if (!finalizers.is_array()) finalizers = json::Array();
    finalizers.get_array().push_back(policy == "Orphan" ? "orphan" : "foregroundDeletion");
  }
  std::int64_t grace = json::int_at(*parsed, "gracePeriodSeconds", -1);
  if (is_pod(type)) {
    const auto phase = json::text_at(next, "status.phase");
    if (grace < 0) grace = json::int_at(next, "spec.terminationGracePeriodSeconds", 30);
    if (json::text_at(next, "spec.nodeName").empty() || phase == "Succeeded" || phase == "Failed")
      grace = 0;
    if (json::find(next, "metadata.deletionGracePeriodSeconds")) {
      grace = std::min(grace, json::int_at(next, "metadata.deletionGracePeriodSeconds"));
    }
  } else {
    grace = 0;
  }
  const bool waits = has_items(next, "metadata.finalizers") || grace > 0 ||
                     (is_namespace(type) && has_items(next, "spec.finalizers"));
  if (!waits) return answer(200, *store_.erase(type, key));
  if (json::text_at(next, "metadata.deletionTimestamp").empty()) {
    meta["deletionTimestamp"] =
        api::Time::from(executor_.wall() + std::chrono::seconds(grace)).to_string();
    if (next.as_object().contains("spec") && !is_namespace(type)) {
      meta["generation"] = json::int_at(next, "metadata.generation") + 1;
    }
  }
  meta["deletionGracePeriodSeconds"] = grace;
  if (is_namespace(type)) next.as_object()["status"].as_object()["phase"] = "Terminating";
  return answer(200, *save(type, key, std::move(next)));
}

net::Response FakeApi::bind(const Target& target, const json::Value& binding) {
  const auto old = store_.get(*target.type, target.key);
  if (!old) return answer_error(not_found(*target.type, target.key.name));
  const auto bound = json::text_at(*old, "spec.nodeName");
  if (!bound.empty()) {
    return answer_error(
        Status(Reason::kConflict,
               cat("Operation cannot be fulfilled on pods/binding ", quoted(target.key.name),
                   ": pod ", target.key.name, " is already assigned to node ", quoted(bound)),
               details_of(*target.type, target.key.name)));
  }
  json::Value next = *old;
  next.as_object()["spec"].as_object()["nodeName"] = json::text_at(binding, "target.name");
  json::Value& status = next.as_object()["status"];
  if (!status.is_object()) status = json::Object();
  json::Value& conditions = status.get_object()["conditions"];
  if (!conditions.is_array()) conditions = json::Array();
  json::Array& list = conditions.get_array();
  list.erase(
      std::remove_if(list.begin(), list.end(),
                     [](const auto& c) { return json::text_at(c, "type") == "PodScheduled"; }),
      list.end());
  list.push_back(
      json::Object{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", now()}});
  store_.put(*target.type, target.key, std::move(next));
  return answer(
      201,
      json::Object{{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Success"}, {"code", 201}});
}

}  // namespace kpp::client::testing
