#include "kubelet/server/stream_proxy.h"

#include "async/scope.h"
#include "async/wait.h"
#include "net/client.h"

namespace kpp::kubelet {
namespace {

struct Pipe {
  std::unique_ptr<net::ByteStream> a, b;
};

// From one side to the other until the end; an error ends both.
async::Task<void> carry(std::shared_ptr<Pipe> pipe, bool forward, async::StopToken stop) {
  net::ByteStream& from = forward ? *pipe->a : *pipe->b;
  net::ByteStream& to = forward ? *pipe->b : *pipe->a;
  for (;;) {
    auto bytes = co_await from.read(stop);
    if (!bytes) break;
    if (bytes->empty()) {
      co_await to.close_write();
      co_return;
    }
    const Status written = co_await to.write(std::move(*bytes), stop);
    if (!written.ok()) break;
  }
  pipe->a->abort();
  pipe->b->abort();
}

async::Task<void> join_streams(async::IoExecutor& executor, std::unique_ptr<net::ByteStream> a,
                               std::unique_ptr<net::ByteStream> b, async::StopToken stop) {
  const auto pipe = std::make_shared<Pipe>(Pipe{std::move(a), std::move(b)});
  std::vector<async::Task<void>> both;
  both.push_back(carry(pipe, true, stop));
  both.push_back(carry(pipe, false, stop));
  co_await async::all(executor, std::move(both));
}

bool hop_header(std::string_view name) {
  return name == "Host" || name == "host" || name == "Connection" || name == "connection" ||
         name == "Authorization" || name == "authorization" || name == "Content-Length" ||
         name == "content-length";
}

}  // namespace

async::Task<net::Response> proxy_upgrade(async::IoExecutor& executor, net::Request request,
                                         std::string url, async::StopToken stop) {
  const auto scheme = url.find("://");
  const auto path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  auto endpoint = net::Endpoint::parse(url.substr(0, path));
  if (!endpoint) {
    co_return net::Response::text(
        500, "text/plain",
        cat("the runtime's streaming address ", quoted(url), ": ", endpoint.error().message()));
  }
  net::Request onward;
  onward.method = request.method;
  std::string target = path == std::string::npos ? "/" : url.substr(path);
  const auto question = target.find('?');
  if (question != std::string::npos) onward.query = target.substr(question + 1);
  onward.path = target.substr(0, question);
  for (const auto& [name, value] : request.headers.fields()) {
    if (!hop_header(name)) onward.headers.add(name, value);
  }
  net::HttpClient client(executor, std::move(*endpoint), {});
  auto upgraded = co_await client.upgrade(std::move(onward), std::move(stop));
  if (!upgraded) {
    co_return net::Response::text(
        502, "text/plain", cat("the runtime's streaming server: ", upgraded.error().message()));
  }
  net::Response out = std::move(upgraded->response);
  if (!upgraded->stream) co_return out;
  out.upgraded = [&executor, theirs = std::move(upgraded->stream)](
                     std::unique_ptr<net::ByteStream> ours, async::StopToken until) mutable {
    return join_streams(executor, std::move(ours), std::move(theirs), std::move(until));
  };
  co_return out;
}

}  // namespace kpp::kubelet
