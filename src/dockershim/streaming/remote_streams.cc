#include "dockershim/streaming/remote_streams.h"

#include <algorithm>
#include <vector>

#include "codec/json.h"
#include "net/text.h"
#include "net/websocket.h"

namespace kpp::dockershim {
namespace {

constexpr std::string_view kSpdy = "SPDY/3.1";
// The newest first. The fifth is for WebSocket alone: SPDY can close single streams without it.
constexpr std::string_view kSpdyProtocols[] = {"v4.channel.k8s.io", "v3.channel.k8s.io",
                                               "v2.channel.k8s.io", "channel.k8s.io"};
constexpr std::string_view kWebsocketProtocols[] = {"v5.channel.k8s.io", "v4.channel.k8s.io",
                                                    "channel.k8s.io"};

constexpr std::string_view kPortForwardProtocols[] = {"portforward.k8s.io"};

template <std::size_t N>
std::string_view choose(const std::string_view (&ours)[N],
                        const std::vector<std::string>& offered) {
  for (const std::string_view protocol : ours) {
    if (std::ranges::find(offered, protocol) != offered.end()) return protocol;
  }
  return {};
}

std::vector<std::string> spdy_protocols(const net::Headers& headers) {
  std::vector<std::string> out;
  for (std::string_view list : headers.all("X-Stream-Protocol-Version")) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      if (const auto one = net::trim(list.substr(0, comma)); !one.empty()) out.emplace_back(one);
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  return out;
}

std::unexpected<Status> not_spoken(const std::vector<std::string>& offered,
                                   std::string_view spoken) {
  return fail(Reason::kForbidden,
              cat("unable to upgrade: unable to negotiate protocol: client supports [",
                  join(offered, " "), "], server supports [", spoken, "]"));
}

// SPDY, with the newest of our protocols that the client offers.
template <std::size_t N>
Result<AcceptedStreams> accept_spdy(const net::Request& request,
                                    const std::string_view (&protocols)[N]) {
  if (!request.upgradable || !net::equal_ignoring_case(request.headers.get("Upgrade"), kSpdy)) {
    return fail(Reason::kBadRequest, cat("unable to upgrade: missing upgrade headers in request: ",
                                         "Connection must be Upgrade, and Upgrade ", kSpdy));
  }
  AcceptedStreams out;
  const auto offered = spdy_protocols(request.headers);
  out.protocol = choose(protocols, offered);
  if (out.protocol.empty() && !offered.empty()) return not_spoken(offered, join(protocols, " "));
  out.head.status = 101;
  out.head.headers.add("Connection", "Upgrade");
  out.head.headers.add("Upgrade", std::string(kSpdy));
  if (!out.protocol.empty()) out.head.headers.add("X-Stream-Protocol-Version", out.protocol);
  return out;
}

}  // namespace

RemoteEnd ended_well() { return {R"({"metadata":{},"status":"Success"})", {}}; }

RemoteEnd ended_with_code(std::int32_t code) {
  const std::string message = cat(
      "command terminated with non-zero exit code: Error executing in Docker Container: ", code);
  const json::Object cause{{"reason", "ExitCode"}, {"message", cat(code)}};
  return {json::write(json::Object{{"metadata", json::Object()},
                                   {"status", "Failure"},
                                   {"message", message},
                                   {"reason", "NonZeroExitCode"},
                                   {"details", json::Object{{"causes", json::Array{cause}}}}}),
          message};
}

RemoteEnd ended_with_error(std::string_view message) {
  const std::string whole = cat("Internal error occurred: ", message);
  const json::Object cause{{"message", message}};
  return {json::write(json::Object{{"metadata", json::Object()},
                                   {"status", "Failure"},
                                   {"message", whole},
                                   {"reason", "InternalError"},
                                   {"details", json::Object{{"causes", json::Array{cause}}}},
                                   {"code", 500}}),
          whole};
}

std::optional<RemoteInput> parse_resize(std::string_view text) {
  const auto value = json::parse(text);
  if (!value || !value->is_object()) return std::nullopt;
  const std::int64_t width = json::int_at(*value, "Width");
  const std::int64_t height = json::int_at(*value, "Height");
  // A terminal of no size is a client that does not know.
  if (width < 1 || height < 1 || width > 0xffff || height > 0xffff) return std::nullopt;
  RemoteInput out;
  out.kind = RemoteInput::kResize;
  out.width = static_cast<std::uint16_t>(width);
  out.height = static_cast<std::uint16_t>(height);
  return out;
}

Result<AcceptedStreams> accept_streams(const net::Request& request) {
  if (!request.upgradable || !net::wants_websocket(request.headers))
    return accept_spdy(request, kSpdyProtocols);
  AcceptedStreams out;
  const auto offered = net::websocket_protocols(request.headers);
  out.protocol = choose(kWebsocketProtocols, offered);
  if (out.protocol.empty() && !offered.empty())
    return not_spoken(offered, join(kWebsocketProtocols, " "));
  out.websocket = true;
  KPP_ASSIGN(out.head, net::accept_websocket(request.headers, out.protocol));
  return out;
}

Result<AcceptedStreams> accept_port_forward(const net::Request& request) {
  return accept_spdy(request, kPortForwardProtocols);
}

async::Task<Result<std::unique_ptr<RemoteStreams>>> open_streams(
    async::Executor& executor, std::unique_ptr<net::ByteStream> connection, std::string protocol,
    bool websocket, StreamSet set, async::StopToken stop) {
  if (websocket) {
    return open_websocket_streams(executor, std::move(connection), std::move(protocol), set,
                                  std::move(stop));
  }
  return open_spdy_streams(executor, std::move(connection), std::move(protocol), set,
                           std::move(stop));
}

}  // namespace kpp::dockershim
