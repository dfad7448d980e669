#include "apiserver/handlers/http_proxy.h"

#include <string>
#include <utility>

#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/joined_streams.h"
#include "apiserver/handlers/proxied_messages.h"
#include "net/client.h"

namespace kpp::apiserver {
namespace {

// The path of the request up to the subresource, which ends what is the proxy's own.
std::string prefix_of(const Call& call) {
  const std::string where =
      call.info.namespace_.empty() ? "" : cat("namespaces/", call.info.namespace_, "/");
  return cat("/api/v1/", where, call.info.resource, "/", call.info.name, "/proxy");
}

net::Response unreachable(const Status& why) {
  return respond_status(Status(Reason::kServiceUnavailable,
                               cat("error trying to reach service: ", why.message()),
                               StatusDetails{}));
}

}  // namespace

HttpProxy::HttpProxy(KubeletConnections& kubelets) : kubelets_(kubelets) {}
HttpProxy::~HttpProxy() = default;

// Pods come and go: only connections to kubelets are kept.
Result<net::HttpClient*> HttpProxy::client_for(const ProxyTarget& target,
                                               std::unique_ptr<net::HttpClient>& owned) {
  if (target.kubelet) return kubelets_.client_for({target.host, target.port});
  net::Endpoint endpoint;
  endpoint.tls = target.https;
  endpoint.host = target.host;
  endpoint.port = target.port;
  net::ClientOptions options;
  if (target.https) {
    if (!unchecked_) {
      net::TlsClientOptions any;
      any.insecure = true;
      KPP_ASSIGN(unchecked_, net::TlsContext::client(any));
    }
    options.dial.tls = unchecked_;
  }
  owned = std::make_unique<net::HttpClient>(kubelets_.executor(), std::move(endpoint),
                                            std::move(options));
  return owned.get();
}

async::Task<net::Response> HttpProxy::handle(Call& call) {
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh);
  auto target = resolve_proxy_target(call, kubelets_);
  if (!target) co_return respond_status(target.error());
  const std::string host = KubeletConnections::Address{target->host, target->port}.authority();
  const LinkScope scope{prefix_of(call), host, std::string(call.request.headers.get("Host"))};
  std::string path;
  if (call.request.path.starts_with(scope.prefix))
    path = call.request.path.substr(scope.prefix.size());
  const std::string& method = call.request.method;
  if (path.empty() && !call.request.upgradable && (method == "GET" || method == "HEAD")) {
    // Relative links of the page would miss the proxy otherwise.
    net::Response moved;
    moved.status = 301;
    const std::string& query = call.request.query;
    moved.headers.add("Location", cat(net::encode_path(call.request.path), "/",
                                      query.empty() ? "" : cat("?", query)));
    co_return moved;
  }
  if (path.empty()) path = "/";
  std::unique_ptr<net::HttpClient> owned;
  auto client = client_for(*target, owned);
  if (!client) co_return respond_status(client.error());
  net::Request out = proxied_request(call.request, std::move(path), scope);
  if (!call.request.upgradable) {
    out.body = std::move(call.request.body);
    auto answer = co_await (*client)->send(std::move(out), true, call.stop);
    if (!answer) co_return unreachable(answer.error());
    co_return proxied_response(std::move(*answer), scope, method);
  }
  out.headers.add("Upgrade", std::string(call.request.headers.get("Upgrade")));
  auto upgraded = co_await (*client)->upgrade(std::move(out), call.stop);
  if (!upgraded) co_return unreachable(upgraded.error());
  if (!upgraded->stream) co_return proxied_response(std::move(upgraded->response), scope, method);
  net::Response answer;
  answer.status = 101;
  for (const auto& [name, value] : upgraded->response.headers.fields())
    answer.headers.add(name, value);
  answer.upgraded = [executor = &kubelets_.executor(), backend = std::move(upgraded->stream)](
                        std::unique_ptr<net::ByteStream> from,
                        async::StopToken stop) mutable -> async::Task<void> {
    return join_streams(*executor, std::move(from), std::move(backend), std::move(stop));
  };
  co_return answer;
}

}  // namespace kpp::apiserver
