#include "kubelet/server/node_server.h"

#include <algorithm>
#include <charconv>

#include "api/json_codec.h"
#include "kubelet/server/health_port.h"
#include "kubelet/server/log_source.h"
#include "kubelet/server/stream_proxy.h"

namespace kpp::kubelet {
namespace {

net::Response text(int status, std::string body) {
  return net::Response::text(status, "text/plain; charset=utf-8", std::move(body));
}

std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (from < path.size()) {
    const auto to = std::min(path.find('/', from), path.size());
    if (to > from) out.emplace_back(path.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

std::optional<std::int64_t> number(std::string_view value) {
  std::int64_t out = 0;
  const auto done = std::from_chars(value.data(), value.data() + value.size(), out);
  if (value.empty() || done.ec != std::errc() || done.ptr != value.data() + value.size())
    return std::nullopt;
  return out;
}

bool flag(const net::Query& query, std::string_view a, std::string_view b = {}) {
  for (const auto name : {a, b}) {
    const auto value = query.get(name);
    if (!name.empty() && (value == "1" || value == "true")) return true;
  }
  return false;
}

std::string raw_id(const std::string& id) {
  const auto at = id.find("://");
  return at == std::string::npos ? id : id.substr(at + 3);
}

const corev1::ContainerStatus* status_of(const corev1::PodStatus& status, const std::string& name) {
  for (const auto* list : {&status.container_statuses, &status.init_container_statuses,
                           &status.ephemeral_container_statuses}) {
    if (const auto* found = find_status(*list, name)) return found;
  }
  return nullptr;
}

// The container whose log is meant, or why there is none.
Result<std::string> log_container(const corev1::ContainerStatus& status, const std::string& pod,
                                  bool previous) {
  const auto refusal = [&](std::string_view why) {
    return fail(Reason::kBadRequest,
                cat("container ", quoted(status.name), " in pod ", quoted(pod), " is ", why));
  };
  const auto* last = status.last_state.terminated.get();
  if (previous) {
    if (last == nullptr || last->container_id.empty()) {
      return fail(Reason::kBadRequest, cat("previous terminated container ", quoted(status.name),
                                           " in pod ", quoted(pod), " not found"));
    }
    return raw_id(last->container_id);
  }
  if (status.state.running) return raw_id(status.container_id);
  if (status.state.terminated) {
    if (!status.state.terminated->container_id.empty())
      return raw_id(status.state.terminated->container_id);
    if (last && !last->container_id.empty()) return raw_id(last->container_id);
    return refusal("terminated");
  }
  if (last && !last->container_id.empty()) return raw_id(last->container_id);
  if (status.state.waiting) {
    const std::string& reason = status.state.waiting->reason;
    if (reason == "ErrImagePull") return refusal("waiting to start: image can't be pulled");
    if (reason == "ImagePullBackOff")
      return refusal("waiting to start: trying and failing to pull image");
    return refusal(cat("waiting to start: ", reason));
  }
  return refusal("waiting to start - no logs yet");
}

Result<LogOptions> log_options(const net::Query& query, WallTime now) {
  LogOptions out;
  for (const auto& [name, slot] :
       {std::pair{"tailLines", &out.tail_lines}, std::pair{"limitBytes", &out.limit_bytes}}) {
    if (!query.has(name) || query.get(name).empty()) continue;
    *slot = number(query.get(name));
    if (!*slot)
      return fail(Reason::kBadRequest, cat("invalid ", name, ": ", quoted(query.get(name))));
  }
  if (const auto seconds = number(query.get("sinceSeconds")))
    out.since = now - std::chrono::seconds(*seconds);
  if (const auto time = parse_time(query.get("sinceTime"))) out.since = *time;
  out.timestamps = flag(query, "timestamps");
  const auto stream = query.get("stream");
  if (stream == "Stdout") out.stream = "stdout";
  if (stream == "Stderr") out.stream = "stderr";
  return out;
}

bool is_debugging(std::string_view head) {
  static constexpr std::string_view kHeads[] = {
      "attach", "containerLogs", "exec", "logs", "portForward", "run", "runningpods"};
  return std::ranges::find(kHeads, head) != std::end(kHeads);
}

// /exec/NAMESPACE/POD[/UID]/CONTAINER
std::string container_of(const std::vector<std::string>& path) {
  return path.size() < 4 ? std::string() : path.back();
}

}  // namespace

async::Task<net::Response> NodeHandler::handle(net::Request request, async::StopToken stop) {
  auto refusal = co_await access_.refuse(request, stop);
  if (refusal) co_return std::move(*refusal);
  auto health = health_answer(request);
  if (health) co_return std::move(*health);
  std::vector<std::string> path = segments(request.path);
  const std::string head = path.empty() ? std::string() : path.front();
  if (head == "pods") co_return pod_list();
  if (!debugging_ && is_debugging(head)) co_return text(405, "Debug endpoints are disabled.\n");
  if (head == "containerLogs") {
    co_return co_await logs(std::move(path), net::Query::parse(request.query), std::move(stop));
  }
  if (head == "exec" || head == "attach") {
    co_return co_await exec(std::move(path), std::move(request), head == "attach", std::move(stop));
  }
  if (head == "portForward")
    co_return co_await port_forward(std::move(path), std::move(request), std::move(stop));
  co_return text(404, "404 page not found\n");
}

net::Response NodeHandler::pod_list() const {
  corev1::PodList list;
  for (const PodWorker* worker : pods_.all()) {
    list.items.push_back(*worker->pod());
    list.items.back().status = worker->status();
  }
  return net::Response::text(200, "application/json", api::to_json(list));
}

async::Task<net::Response> NodeHandler::logs(std::vector<std::string> path, net::Query query,
                                             async::StopToken stop) {
  if (path.size() != 4) co_return text(404, "404 page not found\n");
  const std::string& ns = path[1];
  const std::string& pod = path[2];
  const std::string& name = path[3];
  const PodWorker* worker = pods_.find(ns, pod);
  if (worker == nullptr) co_return text(404, cat("pod does not exist"));
  const auto* status = status_of(worker->status(), name);
  if (status == nullptr)
    co_return text(404, cat("container ", quoted(name), " not found in pod ", quoted(pod)));
  auto id = log_container(*status, pod, flag(query, "previous"));
  if (!id) co_return text(400, id.error().message());
  auto options = log_options(query, executor_.wall());
  if (!options) co_return text(400, options.error().message());
  auto container = co_await runtime_.container_status(*id, stop);
  if (!container) {
    co_return text(500, cat("unable to retrieve container logs for ",
                            (co_await runtime_.name(stop)).value_or(""), "://", *id));
  }
  LogRequest request;
  request.path = container->log_path;
  request.options = std::move(*options);
  request.follow = flag(query, "follow");
  request.still_written = [this, ns, pod, name, own = *id] {
    const PodWorker* now = pods_.find(ns, pod);
    const auto* current = now ? status_of(now->status(), name) : nullptr;
    return current && current->state.running && raw_id(current->container_id) == own;
  };
  auto source = co_await open_log(executor_, pool_, std::move(request));
  if (!source)
    co_return text(500, cat("failed to try resolving symlinks in path ",
                            quoted(container->log_path), ": ", source.error().message()));
  net::Response response;
  response.headers.set("Content-Type", "text/plain");
  response.stream = std::move(*source);
  co_return response;
}

async::Task<net::Response> NodeHandler::exec(std::vector<std::string> path, net::Request request,
                                             bool attach, async::StopToken stop) {
  const std::string name = container_of(path);
  const PodWorker* worker = name.empty() ? nullptr : pods_.find(path[1], path[2]);
  if (worker == nullptr) co_return text(404, "pod does not exist");
  const auto* status = status_of(worker->status(), name);
  if (status == nullptr || status->container_id.empty()) {
    co_return text(500, cat("container not found (", quoted(name), ")"));
  }
  if (!status->state.running)
    co_return text(400, cat("container not running (", raw_id(status->container_id), ")"));
  const std::string id = raw_id(status->container_id);
  const net::Query query = net::Query::parse(request.query);
  const bool tty = flag(query, "tty");
  const bool in = flag(query, "input", "stdin");
  const bool out = flag(query, "output", "stdout");
  const bool err = flag(query, "error", "stderr") && !tty;
  if (!in && !out && !err) {
    co_return text(400, "you must specify at least 1 of stdin, stdout, stderr");
  }
  Result<std::string> url;
  if (attach) {
    cri::AttachRequest ask;
    ask.container_id = id;
    ask.stdin = in;
    ask.stdout = out;
    ask.stderr = err;
    ask.tty = tty;
    url = co_await runtime_.attach(std::move(ask), stop);
  } else {
    cri::ExecRequest ask;
    ask.container_id = id;
    for (const auto word : query.all("command")) ask.cmd.emplace_back(word);
    ask.stdin = in;
    ask.stdout = out;
    ask.stderr = err;
    ask.tty = tty;
    url = co_await runtime_.exec(std::move(ask), stop);
  }
  if (!url) co_return text(500, rpc_error_text(url.error()));
  co_return co_await proxy_upgrade(executor_, std::move(request), std::move(*url), std::move(stop));
}

async::Task<net::Response> NodeHandler::port_forward(std::vector<std::string> path,
                                                     net::Request request, async::StopToken stop) {
  const PodWorker* worker = path.size() < 3 ? nullptr : pods_.find(path[1], path[2]);
  if (worker == nullptr) co_return text(404, "pod does not exist");
  cri::PodSandboxFilter filter;
  filter.label_selector[label::kPodUid] = worker->pod()->metadata.uid;
  filter.state.emplace().state = cri::SANDBOX_READY;
  auto sandboxes = co_await runtime_.list_sandboxes(std::move(filter), stop);
  if (!sandboxes) co_return text(500, rpc_error_text(sandboxes.error()));
  if (sandboxes->empty()) co_return text(404, "cannot find a running sandbox of the pod");
  cri::PortForwardRequest ask;
  ask.pod_sandbox_id = sandboxes->front().id;
  const net::Query query = net::Query::parse(request.query);
  for (const auto name : {"port", "ports"}) {
    for (const auto value : query.all(name)) {
      if (const auto port = number(value)) ask.port.push_back(static_cast<std::int32_t>(*port));
    }
  }
  auto url = co_await runtime_.port_forward(std::move(ask), stop);
  if (!url) co_return text(500, rpc_error_text(url.error()));
  co_return co_await proxy_upgrade(executor_, std::move(request), std::move(*url), std::move(stop));
}

}  // namespace kpp::kubelet
