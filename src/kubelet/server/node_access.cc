#include "kubelet/server/node_access.h"

namespace kpp::kubelet {
namespace {

client::DelegatedAccess::Options access_options(const AccessOptions& options) {
  client::DelegatedAccess::Options out;
  out.anonymous = options.anonymous;
  out.token_life = options.token_ttl;
  out.allowed_life = options.allowed_ttl;
  out.denied_life = options.denied_ttl;
  return out;
}

net::Response text(int status, std::string body) {
  return net::Response::text(status, "text/plain; charset=utf-8", std::move(body));
}

bool is_or_below(std::string_view path, std::string_view root) {
  return path == root || (path.starts_with(root) && path.substr(root.size()).starts_with('/'));
}

}  // namespace

std::vector<std::string> node_subresources(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> kOwn[] = {
      {"/stats", "stats"},           {"/metrics", "metrics"}, {"/logs", "log"},
      {"/checkpoint", "checkpoint"}, {"/statusz", "statusz"}, {"/flagz", "flagz"}};
  for (const auto& [root, subresource] : kOwn) {
    if (is_or_below(path, root)) return {std::string(subresource)};
  }
  if (is_or_below(path, "/healthz")) return {"healthz", "proxy"};
  if (is_or_below(path, "/configz")) return {"configz", "proxy"};
  if (is_or_below(path, "/pods") || is_or_below(path, "/runningpods")) return {"pods", "proxy"};
  return {"proxy"};
}

std::string_view node_verb(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return "";
}

NodeAccess::NodeAccess(async::Executor& executor, client::Client& client,
                       const KubeletOptions& options)
    : options_(options), access_(executor, client, client, access_options(options.access)) {}

async::Task<std::optional<net::Response>> NodeAccess::refuse(const net::Request& request,
                                                             async::StopToken stop) {
  const bool token = request.headers.find("Authorization") != nullptr;
  const bool certificate = request.peer_certificate && request.peer_certificate->verified;
  if (token && !certificate && !options_.access.token_webhook) co_return text(401, "Unauthorized");
  auto user = co_await access_.authenticate(request, stop);
  if (!user) co_return text(401, "Unauthorized");
  if (!options_.access.webhook) co_return std::nullopt;
  const std::vector<std::string> subresources = node_subresources(request.path);
  const std::string what = cat("(user=", user->username, ", verb=", node_verb(request.method),
                               ", resource=nodes, subresource(s)=[", join(subresources, " "), "])");
  for (const std::string& subresource : subresources) {
    authorizationv1::SubjectAccessReviewSpec wanted;
    auto& resource = wanted.resource_attributes.ensure();
    resource.verb = node_verb(request.method);
    resource.version = "v1";
    resource.resource = "nodes";
    resource.subresource = subresource;
    resource.name = options_.node_name;
    Status allowed = co_await access_.authorize(*user, std::move(wanted), stop);
    if (allowed.ok()) co_return std::nullopt;
    if (!allowed.is(Reason::kForbidden)) co_return text(500, cat("Authorization error ", what));
  }
  co_return text(403, cat("Forbidden ", what));
}

}  // namespace kpp::kubelet
