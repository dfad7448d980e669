#include "apiserver/handlers/http_proxy.h"

#include <algorithm>
#include <string>
#include <utility>

#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/joined_streams.h"
#include "apiserver/handlers/proxied_links.h"
#include "net/client.h"
#include "net/text.h"

namespace kpp::apiserver {
namespace {

// Headers that are of one connection, of the credential, or set anew are not. Answers are asked for
// as they are, since links in compressed ones could not be read.
bool is_passed_on(std::string_view name) {
  std::string key(name);
  std::ranges::transform(key, key.begin(), net::lower);
  static constexpr std::string_view kOwn[] = {"accept-encoding",
                                              "authorization",
                                              "connection",
                                              "content-length",
                                              "host",
                                              "keep-alive",
                                              "te",
                                              "trailer",
                                              "transfer-encoding",
                                              "upgrade"};
  return !key.starts_with("impersonate-") && !key.starts_with("proxy-") &&
         std::ranges::find(kOwn, key) == std::end(kOwn);
}

// The path of the request up to the subresource, which ends what is the proxy's own.
std::string prefix_of(const Call& call) {
  const std::string where =
      call.info.namespace_.empty() ? "" : cat("namespaces/", call.info.namespace_, "/");
  return cat("/api/v1/", where, call.info.resource, "/", call.info.name, "/proxy");
}

std::string host_of(std::string_view address_and_port) {
  const auto colon = address_and_port.rfind(':');
  std::string_view host = address_and_port.substr(0, colon);
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

net::Request passed_on(const Call& call, std::string path, const LinkScope& scope) {
  net::Request out;
  out.method = call.request.method;
  out.path = std::move(path);
  out.query = call.request.query;
  for (const auto& [name, value] : call.request.headers.fields()) {
    if (is_passed_on(name)) out.headers.add(name, value);
  }
  const std::string_view host = call.request.headers.get("Host");
  out.headers.set("Host", host.empty() ? scope.target_host : std::string(host));
  out.headers.set("X-Forwarded-Uri", cat(scope.prefix, out.path));
  const std::string client = host_of(call.request.remote_address);
  const std::string_view before = out.headers.get("X-Forwarded-For");
  out.headers.set("X-Forwarded-For", before.empty() ? client : cat(before, ", ", client));
  return out;
}

net::Response unreachable(const Status& why) {
  return respond_status(Status(Reason::kServiceUnavailable,
                               cat("error trying to reach service: ", why.message()),
                               StatusDetails{}));
}

// A page's body, its links rewritten on the way.
class LinkedPage final : public net::BodySource {
 public:
  LinkedPage(LinkScope scope, net::Response& answer)
      : links_(std::move(scope)), first_(answer.body_text()), rest_(std::move(answer.stream)) {}

  async::Task<Result<net::SharedBytes>> next(async::StopToken stop) override {
    // An empty piece would end the body.
    while (!ended_) {
      std::string piece;
      if (!first_.empty()) {
        piece = links_.feed(std::exchange(first_, {}));
      } else {
        net::SharedBytes more;
        if (rest_) {
          KPP_CO_ASSIGN(more, co_await rest_->next(stop));
        }
        ended_ = more == nullptr;
        piece = ended_ ? links_.finish() : links_.feed(*more);
      }
      if (!piece.empty()) co_return std::make_shared<const std::string>(std::move(piece));
    }
    co_return net::SharedBytes();
  }

 private:
  HtmlLinks links_;
  std::string first_;
  std::unique_ptr<net::BodySource> rest_;
  bool ended_ = false;
};

bool is_plain_html(const net::Headers& headers) {
  const std::string_view type = headers.get("Content-Type");
  const std::string_view encoding = headers.get("Content-Encoding");
  return net::equal_ignoring_case(net::trim(type.substr(0, type.find(';'))), "text/html") &&
         (encoding.empty() || encoding == "identity");
}

net::Response relayed(net::Response answer, const LinkScope& scope, std::string_view method) {
  net::Response out;
  out.status = answer.status;
  for (const auto& [name, value] : answer.headers.fields()) {
    if (!is_passed_on(name)) continue;
    out.headers.add(
        name, net::equal_ignoring_case(name, "Location") ? proxied_link(value, scope) : value);
  }
  const bool has_body = method != "HEAD" && answer.status != 204 && answer.status != 304;
  if (has_body && answer.headers.find("Location") == nullptr && is_plain_html(answer.headers)) {
    out.stream = std::make_unique<LinkedPage>(scope, answer);
    return out;
  }
  out.body = std::move(answer.body);
  out.stream = std::move(answer.stream);
  return out;
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
  net::Request out = passed_on(call, std::move(path), scope);
  if (!call.request.upgradable) {
    out.body = std::move(call.request.body);
    auto answer = co_await (*client)->send(std::move(out), true, call.stop);
    if (!answer) co_return unreachable(answer.error());
    co_return relayed(std::move(*answer), scope, method);
  }
  out.headers.add("Upgrade", std::string(call.request.headers.get("Upgrade")));
  auto upgraded = co_await (*client)->upgrade(std::move(out), call.stop);
  if (!upgraded) co_return unreachable(upgraded.error());
  if (!upgraded->stream) co_return relayed(std::move(upgraded->response), scope, method);
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
