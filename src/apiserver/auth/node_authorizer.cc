#include "apiserver/auth/node_authorizer.h"

#include <algorithm>
#include <initializer_list>

#include "base/cat.h"

namespace kpp::apiserver {
namespace {

using Request = AccessRequest;

constexpr std::string_view kNodePrefix = "system:node:";
constexpr std::string_view kNodesGroup = "system:nodes";
constexpr std::string_view kLeases = "kube-node-lease";

Decision no(std::string why = {}) { return {Verdict::kNoOpinion, std::move(why)}; }
Decision allow() { return {Verdict::kAllow, {}}; }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What every node may do to any object of a resource.
struct Rule {
  std::string_view group, resource;
  std::initializer_list<std::string_view> verbs;
};
bool common_rules_allow(const Request& request) {
  static const Rule kRules[] = {
      {"authentication.k8s.io", "tokenreviews", {"create"}},
      {"authorization.k8s.io", "subjectaccessreviews", {"create"}},
      {"authorization.k8s.io", "localsubjectaccessreviews", {"create"}},
      {"", "services", {"get", "list", "watch"}},
      {"", "events", {"create", "update", "patch"}},
      {"events.k8s.io", "events", {"create", "update", "patch"}},
      {"", "endpoints", {"get"}},
      {"certificates.k8s.io", "certificatesigningrequests", {"create", "get", "list", "watch"}},
      {"storage.k8s.io", "csidrivers", {"get", "list", "watch"}},
      {"node.k8s.io", "runtimeclasses", {"get", "list", "watch"}},
  };
  if (!request.is_resource || !request.subresource.empty()) return false;
  return std::any_of(std::begin(kRules), std::end(kRules), [&](const Rule& rule) {
    return rule.group == request.group && rule.resource == request.resource &&
           is_one_of(request.verb, rule.verbs);
  });
}

Decision lease(std::string_view node, const Request& request) {
  if (!is_one_of(request.verb, {"get", "create", "update", "patch", "delete"}))
    return no("can only get, create, update, patch, or delete a node lease");
  if (request.namespace_ != kLeases)
    return no(cat("can only access leases in the ", quoted(kLeases), " system namespace"));
  // The name of what is made is not known yet: NodeRestriction looks at it.
  if (request.verb != "create" && request.name != node)
    return no("can only access node lease with the same name as the requesting node");
  return allow();
}

Decision csi_node(std::string_view node, const Request& request) {
  if (!is_one_of(request.verb, {"get", "create", "update", "patch", "delete"}))
    return no("can only get, create, update, patch, or delete a CSINode");
  if (!request.subresource.empty()) return no("cannot authorize CSINode subresources");
  if (request.verb != "create" && request.name != node)
    return no("can only access CSINode with the same name as the requesting node");
  return allow();
}

// NodeRestriction keeps what is written here to the node's own object.
Decision node_object(std::string_view node, const Request& request) {
  if (request.subresource == "status" && is_one_of(request.verb, {"update", "patch"}))
    return allow();
  if (!request.subresource.empty()) return no();
  if (is_one_of(request.verb, {"create", "update", "patch"})) return allow();
  if (!is_one_of(request.verb, {"get", "list", "watch"})) return no();
  if (request.name == node) return allow();
  if (request.name.empty())
    return no(cat("node '", node, "' cannot read all nodes, only its own Node object"));
  return no(cat("node '", node, "' cannot read '", request.name, "', only its own Node object"));
}

bool field_is(const Request& request, std::string_view field, std::string_view value) {
  return std::any_of(request.field_values.begin(), request.field_values.end(),
                     [&](const auto& has) { return has.first == field && has.second == value; });
}

}  // namespace

std::optional<std::string_view> node_name_of(const User& user) {
  if (!user.name.starts_with(kNodePrefix) || !user.in_group(kNodesGroup)) return std::nullopt;
  return std::string_view(user.name).substr(kNodePrefix.size());
}

Decision NodeAuthorizer::authorize(const User& user, const Request& request) const {
  const auto node = node_name_of(user);
  if (!node) return {};
  if (node->empty()) return no(cat("unknown node for user ", quoted(user.name)));
  return about(*node, request);
}

Decision NodeAuthorizer::about(std::string_view node, const Request& request) const {
  const std::string_view resource = request.resource;
  if (request.is_resource && request.group.empty()) {
    if (resource == "secrets" || resource == "configmaps") return read(node, request);
    if (resource == "persistentvolumeclaims")
      return request.subresource == "status" ? claim_status(node, request) : get(node, request);
    if (resource == "persistentvolumes") return get(node, request);
    if (resource == "serviceaccounts") return service_account(node, request);
    if (resource == "nodes") return node_object(node, request);
    if (resource == "pods") return pod(node, request);
  }
  if (request.is_resource && request.group == "resource.k8s.io") {
    if (resource == "resourceclaims") return get(node, request);
    if (resource == "resourceslices") return slice(node, request);
  }
  if (request.is_resource && request.group == "storage.k8s.io") {
    if (resource == "volumeattachments") return get(node, request);
    if (resource == "csinodes") return csi_node(node, request);
  }
  if (request.is_resource && request.group == "coordination.k8s.io" && resource == "leases")
    return lease(node, request);
  return common_rules_allow(request) ? allow() : no();
}

bool NodeAuthorizer::is_related(std::string_view node, const Request& request) const {
  const std::string_view resource = request.resource;
  const std::string_view ns = request.namespace_;
  const std::string_view name = request.name;
  if (resource == "secrets") return graph_.needs_secret(node, ns, name);
  if (resource == "configmaps") return graph_.needs_config_map(node, ns, name);
  if (resource == "persistentvolumeclaims") return graph_.needs_claim(node, ns, name);
  if (resource == "persistentvolumes") return graph_.needs_volume(node, name);
  if (resource == "serviceaccounts") return graph_.needs_service_account(node, ns, name);
  if (resource == "pods") return graph_.runs_pod(node, ns, name);
  if (resource == "resourceclaims") return graph_.needs_resource_claim(node, ns, name);
  return graph_.is_named_by(node, request.group, resource, name);
}

Decision NodeAuthorizer::related(std::string_view node, const Request& request) const {
  if (request.name.empty()) return no("No Object name found");
  if (is_related(node, request)) return allow();
  return no(cat("no relationship found between node '", node, "' and this object"));
}

Decision NodeAuthorizer::get(std::string_view node, const Request& request) const {
  if (request.verb != "get") return no("can only get individual resources of this type");
  if (!request.subresource.empty()) return no("cannot get subresource");
  return related(node, request);
}

Decision NodeAuthorizer::read(std::string_view node, const Request& request) const {
  if (!is_one_of(request.verb, {"get", "list", "watch"}))
    return no("can only read resources of this type");
  if (!request.subresource.empty()) return no("cannot read subresource");
  if (request.namespace_.empty()) return no("can only read namespaced object of this type");
  return related(node, request);
}

Decision NodeAuthorizer::claim_status(std::string_view node, const Request& request) const {
  if (!is_one_of(request.verb, {"update", "patch"}))
    return no("can only get/update/patch this type");
  return related(node, request);
}

Decision NodeAuthorizer::service_account(std::string_view node, const Request& request) const {
  if (request.verb == "get" && request.subresource.empty()) return related(node, request);
  if (request.verb != "create" || request.name.empty())
    return no("can only create tokens for individual service accounts");
  if (request.subresource != "token")
    return no("can only create token subresource of serviceaccount");
  return related(node, request);
}

Decision NodeAuthorizer::slice(std::string_view node, const Request& request) const {
  if (!request.subresource.empty()) return no("cannot authorize ResourceSlice subresources");
  if (request.verb == "create") return allow();
  if (is_one_of(request.verb, {"get", "update", "patch", "delete"})) return related(node, request);
  if (!is_one_of(request.verb, {"watch", "list", "deletecollection"})) {
    return no(
        "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, "
        "update, patch, delete, deletecollection");
  }
  if (field_is(request, "spec.nodeName", node)) return allow();
  return no("can only list/watch/deletecollection resourceslices with nodeName field selector");
}

// NodeRestriction keeps what is written here to pods of the node.
Decision NodeAuthorizer::pod(std::string_view node, const Request& request) const {
  const std::string_view sub = request.subresource;
  if (sub == "status" && is_one_of(request.verb, {"update", "patch"})) return allow();
  if (sub == "eviction" && request.verb == "create") return allow();
  if (!sub.empty()) return no();
  if (request.verb == "get") return get(node, request);
  if (is_one_of(request.verb, {"create", "delete"})) return allow();
  if (!is_one_of(request.verb, {"list", "watch"})) return no();
  if (field_is(request, "spec.nodeName", node)) return allow();
  if (!request.name.empty()) return related(node, request);
  return no("can only list/watch pods with spec.nodeName field selector");
}

}  // namespace kpp::apiserver
