#include "kubeadm/api_objects.h"

#include "net/http.h"

namespace kpp::kubeadm {
namespace {

struct KindPath {
  std::string_view kind, group_path, resource;
  bool namespaced;
};

constexpr KindPath kKinds[] = {
    {"ConfigMap", "/api/v1", "configmaps", true},
    {"Secret", "/api/v1", "secrets", true},
    {"Service", "/api/v1", "services", true},
    {"ServiceAccount", "/api/v1", "serviceaccounts", true},
    {"DaemonSet", "/apis/apps/v1", "daemonsets", true},
    {"Deployment", "/apis/apps/v1", "deployments", true},
    {"Role", "/apis/rbac.authorization.k8s.io/v1", "roles", true},
    {"RoleBinding", "/apis/rbac.authorization.k8s.io/v1", "rolebindings", true},
    {"ClusterRole", "/apis/rbac.authorization.k8s.io/v1", "clusterroles", false},
    {"ClusterRoleBinding", "/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", false},
};

async::Task<Result<net::Response>> send(client::Client& api, std::string method, std::string path,
                                        std::string query, std::string content_type,
                                        std::string body, async::StopToken stop) {
  net::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.query = std::move(query);
  request.headers.set("Accept", "application/json");
  if (!body.empty()) request.headers.set("Content-Type", content_type);
  request.body = std::move(body);
  auto answer = co_await api.raw(std::move(request), false, std::move(stop));
  if (!answer) co_return fail(std::move(answer).error());
  if (answer->status < 200 || answer->status > 299) co_return fail(client::status_of(*answer));
  co_return std::move(*answer);
}

}  // namespace

std::string collection_path(const json::Object& document) {
  const json::Value value(document);
  const std::string_view kind = json::text_at(value, "kind");
  for (const KindPath& known : kKinds) {
    if (known.kind != kind) continue;
    if (!known.namespaced) return cat(known.group_path, "/", known.resource);
    return cat(known.group_path, "/namespaces/", json::text_at(value, "metadata.namespace"), "/",
               known.resource);
  }
  return {};
}

async::Task<Status> ensure_object(client::Client& api, json::Object document,
                                  async::StopToken stop) {
  const std::string path = collection_path(document);
  const json::Value value(std::move(document));
  const std::string name(json::text_at(value, "metadata.name"));
  const std::string body = json::write(value);
  auto created = co_await send(api, "POST", path, "", "application/json", body, stop);
  if (created) co_return Status();
  // A service that is there holds its address, and so another is invalid before it is found to
  // exist.
  const bool may_exist =
      created.error().is(Reason::kAlreadyExists) ||
      (created.error().is(Reason::kInvalid) && json::text_at(value, "kind") == "Service");
  if (!may_exist) {
    co_return std::move(created).error().with_context(
        cat("creating ", json::text_at(value, "kind"), " ", name));
  }
  auto patched = co_await send(api, "PATCH", cat(path, "/", name), "",
                               "application/merge-patch+json", body, stop);
  if (patched) co_return Status();
  co_return std::move(patched).error().with_context(
      cat("updating ", json::text_at(value, "kind"), " ", name));
}

async::Task<Status> ensure_objects(client::Client& api, std::vector<json::Object> documents,
                                   async::StopToken stop) {
  for (json::Object& document : documents) {
    Status done = co_await ensure_object(api, std::move(document), stop);
    if (!done.ok()) co_return done;
  }
  co_return Status();
}

async::Task<Result<json::Value>> get_path(client::Client& api, std::string path, std::string query,
                                          async::StopToken stop) {
  auto answer =
      co_await send(api, "GET", std::move(path), std::move(query), "", "", std::move(stop));
  if (!answer) co_return fail(std::move(answer).error());
  co_return json::parse(answer->body_text());
}

async::Task<Status> delete_path(client::Client& api, std::string path, async::StopToken stop) {
  auto answer = co_await send(api, "DELETE", std::move(path), "", "", "", std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

async::Task<Status> patch_path(client::Client& api, std::string path, std::string content_type,
                               std::string body, async::StopToken stop) {
  auto answer = co_await send(api, "PATCH", std::move(path), "", std::move(content_type),
                              std::move(body), std::move(stop));
  if (!answer) co_return std::move(answer).error();
  co_return Status();
}

}  // namespace kpp::kubeadm
