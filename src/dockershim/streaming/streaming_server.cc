#include "dockershim/streaming/streaming_server.h"

#include "async/wait.h"
#include "base/ids.h"
#include "codec/base64.h"
#include "dockershim/log_frames.h"
#include "dockershim/streaming/port_forward.h"
#include "dockershim/time_limit.h"

namespace kpp::dockershim {
namespace {

constexpr Duration kTicketLife = std::chrono::minutes(1);
constexpr std::size_t kMostTickets = 1000;
constexpr int kTokenBytes = 16;
constexpr Duration kGoodbye = std::chrono::seconds(5);

std::string resize_query(const RemoteInput& size) {
  return cat("h=", size.height, "&w=", size.width);
}

std::unexpected<GrpcStatus> refuse(std::string why) {
  return std::unexpected(GrpcStatus{net::kGrpcInvalidArgument, std::move(why)});
}

}  // namespace

// A client and a process of a container.
struct StreamingServer::Session {
  std::unique_ptr<RemoteStreams> client;
  std::unique_ptr<net::ByteStream> process;
  std::string resize_path;  // of the exec, or the container
  std::string exec;         // "": attach
  bool tty = false;
  bool input_over = false;
};

StreamingServer::StreamingServer(const ShimDeps& deps, Containers& containers, Execs& execs)
    : deps_(deps),
      containers_(containers),
      execs_(execs),
      server_(deps.executor, *this, {}, deps.log) {}

Status StreamingServer::listen() {
  KPP_ASSIGN(port_, server_.listen_tcp(deps_.options.streaming_address, 0, nullptr));
  return {};
}

async::Task<void> StreamingServer::stop() { return server_.stop(); }

std::string StreamingServer::ticket(std::string_view kind, Asked asked) {
  const TimePoint now = deps_.executor.steady();
  std::erase_if(tickets_, [&](const auto& item) { return item.second.until < now; });
  // Whoever fetches URLs and never uses them must not fill the memory.
  if (tickets_.size() >= kMostTickets) tickets_.erase(tickets_.begin());
  std::string token = base64_url_encode(random_bytes(kTokenBytes));
  std::string url =
      cat("http://", deps_.options.streaming_address, ":", port_, "/", kind, "/", token);
  tickets_.emplace(std::move(token), Ticket{std::move(asked), now + kTicketLife});
  return url;
}

GrpcResult<std::string> StreamingServer::exec_url(cri::ExecRequest request) {
  if (request.container_id.empty()) return refuse("missing required container_id");
  if (request.tty && request.stderr) return refuse("tty and stderr cannot both be true");
  if (!request.stdin && !request.stdout && !request.stderr)
    return refuse("one of stdin, stdout, or stderr must be set");
  return ticket("exec", std::move(request));
}

GrpcResult<std::string> StreamingServer::attach_url(cri::AttachRequest request) {
  if (request.container_id.empty()) return refuse("missing required container_id");
  if (request.tty && request.stderr) return refuse("tty and stderr cannot both be true");
  if (!request.stdin && !request.stdout && !request.stderr)
    return refuse("one of stdin, stdout, and stderr must be set");
  return ticket("attach", std::move(request));
}

GrpcResult<std::string> StreamingServer::port_forward_url(cri::PortForwardRequest request) {
  if (request.pod_sandbox_id.empty()) return refuse("missing required pod_sandbox_id");
  return ticket("portforward", std::move(request));
}

async::Task<net::Response> StreamingServer::handle(net::Request request, async::StopToken) {
  const std::size_t slash = request.path.rfind('/');
  const auto found = tickets_.find(request.path.substr(slash + 1));
  if (found == tickets_.end() || found->second.until < deps_.executor.steady())
    co_return net::Response::text(404, "text/plain; charset=utf-8", "404 page not found\n");
  Asked asked = std::move(found->second.asked);
  tickets_.erase(found);
  Result<AcceptedStreams> accepted = std::holds_alternative<cri::PortForwardRequest>(asked)
                                         ? accept_port_forward(request)
                                         : accept_streams(request);
  if (!accepted) {
    co_return net::Response::text(accepted.error().code(), "text/plain; charset=utf-8",
                                  cat(accepted.error().message(), "\n"));
  }
  net::Response response = std::move(accepted->head);
  response.upgraded = [this, accepted = std::move(*accepted), asked = std::move(asked)](
                          std::unique_ptr<net::ByteStream> connection,
                          async::StopToken until) mutable {
    return serve(std::move(connection), std::move(accepted), std::move(asked), std::move(until));
  };
  co_return response;
}

async::Task<void> StreamingServer::serve(std::unique_ptr<net::ByteStream> connection,
                                         AcceptedStreams accepted, Asked asked,
                                         async::StopToken stop) {
  if (auto* const ports = std::get_if<cri::PortForwardRequest>(&asked)) {
    auto sandbox =
        co_await deps_.engine.get(cat("/containers/", ports->pod_sandbox_id, "/json"), "", stop);
    // Without a pod each connection fails, in words.
    const std::int64_t pid = sandbox ? parse_container(*sandbox).pid : 0;
    co_await forward_ports(deps_, std::move(connection), pid, ports->pod_sandbox_id, stop);
    co_return;
  }
  StreamSet set;
  const auto read_set = [&set](const auto& request) {
    set = {request.stdin, request.stdout, request.stderr, request.tty};
  };
  auto* const exec = std::get_if<cri::ExecRequest>(&asked);
  auto* const attach = std::get_if<cri::AttachRequest>(&asked);
  if (exec != nullptr)
    read_set(*exec);
  else
    read_set(*attach);
  auto client = co_await open_streams(deps_.executor, std::move(connection), accepted.protocol,
                                      accepted.websocket, set, stop);
  if (!client) {
    deps_.log.info("A client's streams did not come to be", {kv("err", client.error().message())});
    co_return;
  }
  if (exec != nullptr)
    co_await serve_exec(std::move(*client), std::move(*exec), stop);
  else
    co_await serve_attach(std::move(*client), std::move(*attach), stop);
}

async::Task<void> StreamingServer::serve_exec(std::unique_ptr<RemoteStreams> client,
                                              cri::ExecRequest request, async::StopToken stop) {
  auto session = std::make_shared<Session>();
  session->client = std::move(client);
  session->tty = request.tty;
  auto started = co_await execs_.start(std::move(request), stop);
  if (!started) {
    co_await session->client->finish(
        ended_with_error(cat("error executing command in container: ", started.error().message())),
        stop);
    co_return;
  }
  session->process = std::move(started->stream);
  session->exec = started->id;
  session->resize_path = cat("/exec/", started->id, "/resize");
  co_await carry(session, stop);
}

async::Task<void> StreamingServer::serve_attach(std::unique_ptr<RemoteStreams> client,
                                                cri::AttachRequest request, async::StopToken stop) {
  auto session = std::make_shared<Session>();
  session->client = std::move(client);
  auto container = co_await containers_.inspect(request.container_id, stop);
  std::string failure;
  if (!container) {
    failure = container.error().message();
  } else if (!container->running) {
    failure = cat("container not running (", request.container_id, ")");
  } else {
    session->tty = container->tty;
    const std::string query =
        cat("stream=1&stdin=", request.stdin ? 1 : 0, "&stdout=", request.stdout ? 1 : 0,
            "&stderr=", request.stderr ? 1 : 0);
    auto attached = co_await deps_.engine.upgrade(
        cat("/containers/", request.container_id, "/attach"), query, {}, stop);
    if (attached)
      session->process = std::move(*attached);
    else
      failure = attached.error().message();
  }
  if (!session->process) {
    co_await session->client->finish(
        ended_with_error(cat("error attaching to container: ", failure)), stop);
    co_return;
  }
  session->resize_path = cat("/containers/", request.container_id, "/resize");
  co_await carry(session, stop);
}

async::Task<void> StreamingServer::carry(std::shared_ptr<Session> session, async::StopToken stop) {
  std::vector<async::Task<void>> both;
  both.push_back(from_client(session, stop));
  both.push_back(to_client(session, stop));
  co_await async::all(deps_.executor, std::move(both));
}

async::Task<void> StreamingServer::from_client(std::shared_ptr<Session> session,
                                               async::StopToken stop) {
  for (;;) {
    auto input = co_await session->client->read(stop);
    if (!input || !*input) break;
    switch ((*input)->kind) {
      case RemoteInput::kBytes:
        if (session->input_over) break;
        session->input_over =
            !(co_await session->process->write(std::move((*input)->bytes), stop)).ok();
        break;
      case RemoteInput::kEnd:
        session->input_over = true;
        co_await session->process->close_write();
        break;
      case RemoteInput::kResize:
        (void)co_await deps_.engine.post(session->resize_path, resize_query(**input), {}, stop);
        break;
    }
  }
  // Nobody hears the process any more.
  session->process->abort();
}

async::Task<void> StreamingServer::to_client(std::shared_ptr<Session> session,
                                             async::StopToken stop) {
  OutputFrames frames;
  Status failure;
  while (failure.ok()) {
    auto bytes = co_await session->process->read(stop);
    if (!bytes || bytes->empty()) break;
    if (session->tty) {
      failure = co_await session->client->write(false, std::move(*bytes), stop);
      continue;
    }
    frames.feed(*bytes);
    while (failure.ok()) {
      auto piece = frames.next();
      if (!piece) failure = std::move(piece).error();
      if (!failure.ok() || !*piece) break;
      failure =
          co_await session->client->write((*piece)->is_error, std::move((*piece)->bytes), stop);
    }
  }
  RemoteEnd end = ended_well();
  if (!session->exec.empty()) {
    const auto code = co_await execs_.exit_code(session->exec, stop);
    if (!code)
      end = ended_with_error(cat("error executing command in container: ", code.error().message()));
    else if (*code != 0)
      end = ended_with_code(*code);
  }
  co_await session->client->finish(std::move(end), stop);
  // The client has its last word and goes; if it does not, it is cut off.
  RemoteStreams* const client = session->client.get();
  deps_.executor.call_at(deps_.executor.steady() + kGoodbye,
                         [weak = std::weak_ptr(session), client] {
                           if (weak.lock()) client->abort();
                         });
}

}  // namespace kpp::dockershim
