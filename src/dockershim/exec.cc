#include "dockershim/exec.h"

#include <csignal>

#include "async/wait.h"
#include "dockershim/log_frames.h"
#include "dockershim/time_limit.h"

namespace kpp::dockershim {
namespace {

constexpr std::size_t kMostOutput = 16u << 20;  // of a command that is run to its end
constexpr Duration kPause = std::chrono::milliseconds(20);
constexpr int kAsks = 250;

}  // namespace

async::Task<Result<StartedExec>> Execs::start(cri::ExecRequest request, async::StopToken stop) {
  KPP_CO_ASSIGN(const InspectedContainer container,
                co_await containers_.inspect(request.container_id, stop));
  if (!container.running) {
    co_return fail(Reason::kConflict, cat("container not running (", request.container_id, ")"));
  }
  json::Array command;
  for (const std::string& word : request.cmd) command.emplace_back(word);
  KPP_CO_ASSIGN(const json::Value created,
                co_await deps_.engine.post(cat("/containers/", request.container_id, "/exec"), "",
                                           json::Object{{"Cmd", std::move(command)},
                                                        {"AttachStdin", request.stdin},
                                                        {"AttachStdout", request.stdout},
                                                        {"AttachStderr", request.stderr},
                                                        {"Tty", request.tty}},
                                           stop));
  StartedExec out;
  out.id = json::text_at(created, "Id");
  KPP_CO_ASSIGN(out.stream, co_await deps_.engine.upgrade(
                                cat("/exec/", out.id, "/start"), "",
                                json::Object{{"Detach", false}, {"Tty", request.tty}}, stop));
  co_return out;
}

async::Task<Result<std::int32_t>> Execs::exit_code(std::string exec, async::StopToken stop) {
  for (int asked = 0;; ++asked) {
    KPP_CO_ASSIGN(const json::Value answer,
                  co_await deps_.engine.get(cat("/exec/", exec, "/json"), "", stop));
    const json::Value* running = json::find(answer, "Running");
    if (running == nullptr || !running->is_bool() || !running->as_bool())
      co_return static_cast<std::int32_t>(json::int_at(answer, "ExitCode"));
    // The streams have ended, and the process ends with them, or closed them and goes on.
    if (asked == kAsks)
      co_return fail(Reason::kTimeout, cat("exec ", exec, " ended its streams and goes on"));
    const bool slept = co_await async::sleep_for(deps_.executor, kPause, stop);
    if (!slept) co_return fail(Reason::kCanceled, "context canceled");
  }
}

async::Task<void> Execs::resize(std::string exec, std::uint16_t width, std::uint16_t height,
                                async::StopToken stop) {
  (void)co_await deps_.engine.post(cat("/exec/", exec, "/resize"), cat("h=", height, "&w=", width),
                                   {}, std::move(stop));
}

async::Task<void> Execs::kill(std::string exec) {
  auto answer = co_await deps_.engine.get(cat("/exec/", exec, "/json"), "", {});
  if (!answer) co_return;
  const json::Value* running = json::find(*answer, "Running");
  const std::int64_t pid = json::int_at(*answer, "Pid");
  if (running != nullptr && running->is_bool() && running->as_bool() && pid > 1)
    ::kill(static_cast<pid_t>(pid), SIGKILL);
}

async::Task<GrpcStatus> Execs::read_output(net::ByteStream* stream, cri::ExecSyncResponse* out,
                                           async::StopToken stop) {
  OutputFrames frames;
  for (;;) {
    auto bytes = co_await stream->read(stop);
    if (!bytes) co_return to_grpc(bytes.error());
    if (bytes->empty()) co_return GrpcStatus{};
    frames.feed(*bytes);
    for (;;) {
      auto piece = frames.next();
      if (!piece) co_return to_grpc(piece.error());
      if (!*piece) break;
      std::string& to = (*piece)->is_error ? out->stderr : out->stdout;
      if (to.size() < kMostOutput)
        to += std::string_view((*piece)->bytes).substr(0, kMostOutput - to.size());
    }
  }
}

async::Task<GrpcResult<cri::ExecSyncResponse>> Execs::run(cri::ExecSyncRequest request,
                                                          async::StopToken stop) {
  const TimeLimit limit(deps_.executor, std::chrono::seconds(request.timeout), stop);
  cri::ExecRequest wanted;
  wanted.container_id = request.container_id;
  wanted.cmd = request.cmd;
  wanted.stdout = true;
  wanted.stderr = true;
  auto started = co_await start(std::move(wanted), limit.token());
  cri::ExecSyncResponse out;
  GrpcStatus failure;
  if (started) {
    failure = co_await read_output(started->stream.get(), &out, limit.token());
    if (failure.code != 0) co_await kill(started->id);
  } else {
    failure = to_grpc(started.error());
  }
  if (limit.over()) {
    co_return std::unexpected(GrpcStatus{
        net::kGrpcDeadlineExceeded, cat("command ", quoted(join(request.cmd, " ")), " timed out")});
  }
  if (failure.code != 0) co_return std::unexpected(failure);
  KPP_GRPC_ASSIGN(out.exit_code, co_await exit_code(started->id, stop));
  co_return out;
}

}  // namespace kpp::dockershim
