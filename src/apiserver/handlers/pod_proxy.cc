#include "apiserver/handlers/pod_proxy.h"

#include <algorithm>

#include "api/corev1.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/auth/impersonation.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/joined_streams.h"
#include "apiserver/handlers/stream_translator.h"
#include "apiserver/handlers/websocket_answer.h"
#include "net/client.h"
#include "net/websocket.h"

namespace kpp::apiserver {
namespace {

constexpr std::size_t kPiece = 32u << 10;

std::string names_of(const corev1::Pod& pod) {
  std::string out;
  for (const auto& c : pod.spec.containers) out += cat(out.empty() ? "" : " ", c.name);
  return out;
}

bool has_container(const corev1::Pod& pod, std::string_view name) {
  for (const auto& c : pod.spec.containers) {
    if (c.name == name) return true;
  }
  for (const auto& c : pod.spec.init_containers) {
    if (c.name == name) return true;
  }
  for (const auto& c : pod.spec.ephemeral_containers) {
    if (c.ephemeral_container_common.name == name) return true;
  }
  return false;
}

// The container that the request means, or why it cannot be told.
Result<std::string> container_of(const Call& call, const corev1::Pod& pod) {
  std::string name(call.query.get("container"));
  if (name.empty()) {
    if (pod.spec.containers.size() == 1) return pod.spec.containers[0].name;
    std::string choices = cat("[", names_of(pod), "]");
    if (!pod.spec.init_containers.empty()) {
      std::string init;
      for (const auto& c : pod.spec.init_containers) init += cat(init.empty() ? "" : " ", c.name);
      choices += cat(" or one of the init containers: [", init, "]");
    }
    return fail(bad_request(cat("a container name must be specified for pod ", pod.metadata.name,
                                ", choose one of: ", choices)));
  }
  if (!has_container(pod, name)) {
    return fail(bad_request(cat("container ", name, " is not valid for pod ", pod.metadata.name)));
  }
  return name;
}

// The query without what the path to the kubelet says already.
std::string query_without_container(const net::Query& query) {
  std::string out;
  for (const auto& [name, value] : query.pairs()) {
    if (name == "container") continue;
    out += cat(out.empty() ? "" : "&", net::percent_encode(name), "=", net::percent_encode(value));
  }
  return out;
}

// What exec and attach ask of the kubelet: the API's booleans and command, under the kubelet's
// names.
std::string exec_query(const net::Query& query) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    out += cat(out.empty() ? "" : "&", name, "=", net::percent_encode(value));
  };
  const auto is_true = [&](std::string_view name) {
    return query.get(name) == "true" || query.get(name) == "1";
  };
  if (is_true("stdin")) add("input", "1");
  if (is_true("stdout")) add("output", "1");
  if (is_true("stderr")) add("error", "1");
  if (is_true("tty")) add("tty", "1");
  for (const auto word : query.all("command")) add("command", word);
  return out;
}

bool offers(const net::Headers& headers, std::string_view protocol) {
  const auto offered = net::websocket_protocols(headers);
  return std::ranges::find(offered, protocol) != offered.end();
}

}  // namespace

PodProxy::PodProxy(KubeletConnections& kubelets) : kubelets_(kubelets) {}

async::Task<net::Response> PodProxy::handle(Call& call) {
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh);
  const CachedRef found = cached(call);
  if (!found) co_return respond_status(not_found("", "pods", call.info.name));
  const api::Object object = decode_cached(*call.resource, *found);
  const auto& pod = *object.as<corev1::Pod>();
  const std::string& sub = call.info.subresource;
  std::string container;
  if (sub != "portforward") {
    auto chosen = container_of(call, pod);
    if (!chosen) co_return respond_status(chosen.error());
    container = std::move(*chosen);
  }
  if (pod.spec.node_name.empty()) {
    if (sub == "log") {
      net::Response nothing;
      nothing.status = 204;
      co_return nothing;
    }
    co_return respond_status(
        bad_request(cat("pod ", pod.metadata.name, " does not have a host assigned")));
  }
  auto target = kubelets_.address_of(call, pod.spec.node_name);
  if (!target) co_return respond_status(target.error());
  auto client = kubelets_.client_for(*target);
  if (!client) co_return respond_status(client.error());

  net::Request out;
  out.method = call.request.method;
  out.headers.add("Host", target->authority());
  const std::string where = cat(pod.metadata.namespace_, "/", pod.metadata.name);
  if (sub == "log") {
    out.method = "GET";
    out.path = cat("/containerLogs/", where, "/", container);
    out.query = query_without_container(call.query);
    auto answer = co_await (*client)->send(std::move(out), true, call.stop);
    if (!answer) {
      co_return respond_status(
          internal(cat("Get \"https://", target->authority(), "/containerLogs/", where, "/",
                       container, "\": ", answer.error().message())));
    }
    if (answer->status != 200) {
      // The kubelet's plain text becomes a Status, as the original answers it.
      std::string text = answer->body_text();
      while (answer->stream) {
        auto more = co_await answer->stream->next(call.stop);
        if (!more || !*more || text.size() > kPiece) break;
        text += **more;
      }
      while (!text.empty() && text.back() == '\n') text.pop_back();
      co_return respond_status(answer->status == 404   ? Status(Reason::kNotFound, text)
                               : answer->status == 400 ? bad_request(text)
                                                       : internal(text));
    }
    net::Response relayed;
    relayed.headers.add("Content-Type", "text/plain");
    relayed.body = std::move(answer->body);
    relayed.stream = std::move(answer->stream);
    const net::Headers& asked = call.request.headers;
    if (!call.request.upgradable || !net::wants_websocket(asked)) co_return relayed;
    co_return log_over_websocket(kubelets_.executor(), asked, std::move(relayed));
  }
  net::Response streams =
      co_await connect_streams(call, **client, target->authority(), where, container);
  co_return streams;
}

// exec, attach and portforward: the client's connection joined to one of the kubelet's. WebSocket
// clients of the present protocols are translated here; those of earlier ones, and SPDY, are the
// kubelet's own business.
async::Task<net::Response> PodProxy::connect_streams(Call& call, net::HttpClient& kubelet,
                                                     const std::string& host,
                                                     const std::string& pod,
                                                     const std::string& container) {
  const net::Headers& asked = call.request.headers;
  const bool websocket = net::wants_websocket(asked);
  if (!call.request.upgradable) co_return respond_status(bad_request("Upgrade request required"));
  if (websocket) {
    // A GET carries it, but what it does is what "create" allows.
    AccessRequest access{
        "create",       call.info.namespace_, "",  "v1", "pods", call.info.subresource,
        call.info.name, call.request.path,    true};
    const Decision decision = call.core.authorizer.authorize(call.user, access);
    if (!decision.allowed())
      co_return respond_status(forbidden_to(call.user, access, decision.reason));
  }
  const std::string& sub = call.info.subresource;
  net::Request out;
  out.headers.add("Host", host);
  out.path = sub == "portforward" ? cat("/portForward/", pod)
                                  : cat(sub == "exec" ? "/exec/" : "/attach/", pod, "/", container);
  out.query = sub == "portforward" ? call.request.query : exec_query(call.query);
  const std::string_view wanted = sub == "portforward" ? kPortForwardTunnel : kStreamsV5;
  const bool translated = websocket && offers(asked, wanted);
  net::Response answer;
  if (translated) {
    auto accepted = net::accept_websocket(asked, wanted);
    if (!accepted) co_return respond_status(accepted.error());
    answer = std::move(*accepted);
    out.method = "POST";
    out.headers.add("Upgrade", "SPDY/3.1");
    out.headers.add("X-Stream-Protocol-Version",
                    sub == "portforward" ? "portforward.k8s.io" : "v4.channel.k8s.io");
  } else {
    out.method = websocket ? "GET" : "POST";
    for (const char* name :
         {"Upgrade", "X-Stream-Protocol-Version", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
          "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin"}) {
      for (const auto value : asked.all(name)) out.headers.add(name, std::string(value));
    }
  }
  auto upgraded = co_await kubelet.upgrade(std::move(out), call.stop);
  async::Executor* const executor = &kubelets_.executor();
  Status refusal;
  if (!upgraded) {
    refusal = internal(cat("error dialing backend: ", upgraded.error().message()));
  } else if (!upgraded->stream) {
    std::string text(upgraded->response.body_text());
    // What the kubelet says instead of upgrading is for the client as it is.
    if (!translated) {
      co_return net::Response::text(upgraded->response.status, "text/plain; charset=utf-8",
                                    std::move(text));
    }
    while (!text.empty() && text.back() == '\n') text.pop_back();
    refusal = Status(Reason::kInternalError, cat("unable to upgrade connection: ", text));
  }
  if (!refusal.ok()) {
    if (!translated || sub == "portforward") co_return respond_status(refusal);
    answer.upgraded = [executor, refusal](std::unique_ptr<net::ByteStream> client,
                                          async::StopToken stop) {
      return refuse_streams(*executor, std::move(client), refusal, std::move(stop));
    };
    co_return answer;
  }
  if (!translated) {
    answer.status = 101;
    for (const auto& [name, value] : upgraded->response.headers.fields())
      answer.headers.add(name, value);
  }
  enum class How { kAsItIs, kTunnel, kTranslated };
  const How how = !translated            ? How::kAsItIs
                  : sub == "portforward" ? How::kTunnel
                                         : How::kTranslated;
  const auto is_true = [&](std::string_view name) {
    return call.query.get(name) == "true" || call.query.get(name) == "1";
  };
  const StreamSet streams{is_true("stdin"), is_true("stdout"), is_true("stderr"), is_true("tty")};
  answer.upgraded = [executor, how, streams, backend = std::move(upgraded->stream)](
                        std::unique_ptr<net::ByteStream> client,
                        async::StopToken stop) mutable -> async::Task<void> {
    switch (how) {
      case How::kTunnel:
        return tunnel(*executor, std::move(client), std::move(backend), std::move(stop));
      case How::kTranslated:
        return translate_streams(*executor, std::move(client), std::move(backend), streams,
                                 std::move(stop));
      case How::kAsItIs:
        break;
    }
    return join_streams(*executor, std::move(client), std::move(backend), std::move(stop));
  };
  co_return answer;
}

}  // namespace kpp::apiserver
