#include "dockershim/engine.h"

#include <algorithm>
#include <charconv>

namespace kpp::dockershim {
namespace {

// "1.41" is 41; -1 for what is no version of the API.
int minor_of(std::string_view version) {
  constexpr std::string_view kMajor = "1.";
  int out = -1;
  if (version.starts_with(kMajor))
    std::from_chars(version.data() + kMajor.size(), version.data() + version.size(), out);
  return out;
}

Reason reason_of(int code) {
  switch (code) {
    case 400:
      return Reason::kBadRequest;
    case 401:
      return Reason::kUnauthorized;
    case 403:
      return Reason::kForbidden;
    case 404:
      return Reason::kNotFound;
    case 409:
      return Reason::kConflict;
    case 501:
      return Reason::kMethodNotAllowed;
    case 503:
      return Reason::kServiceUnavailable;
    default:
      return Reason::kUnknown;
  }
}

Status refusal(const net::Response& response, std::string_view body) {
  std::string message;
  if (const auto parsed = json::parse(body)) message = json::text_at(*parsed, "message");
  if (message.empty()) message = cat("HTTP status ", response.status);
  return {reason_of(response.status), cat("Error response from daemon: ", message)};
}

net::Endpoint endpoint_of(const std::string& socket) {
  net::Endpoint out;
  out.unix_path = socket;
  return out;
}

}  // namespace

Result<EngineVersion> choose_version(const json::Value& answer) {
  EngineVersion out;
  out.version = json::text_at(answer, "Version");
  out.api_version = json::text_at(answer, "ApiVersion");
  const int newest = minor_of(out.api_version);
  const int oldest = minor_of(json::text_at(answer, "MinAPIVersion"));
  out.spoken = std::min(newest, kNewestApi);
  if (newest < kOldestApi || oldest > kNewestApi) {
    return fail(Reason::kMethodNotAllowed,
                cat("docker ", out.version, " speaks API versions ",
                    json::text_at(answer, "MinAPIVersion"), " to ", out.api_version,
                    "; cri-dockerd needs one of 1.", kOldestApi, " to 1.", kNewestApi));
  }
  return out;
}

Engine::Engine(async::IoExecutor& executor, std::string socket)
    : socket_(std::move(socket)), client_(executor, endpoint_of(socket_), {}) {}

// The engine that comes back may be another one.
Status Engine::unreachable(Status why) {
  if (why.is(Reason::kCanceled)) return why;
  version_.spoken = 0;
  info_.reset();
  ++times_lost_;
  if (why.is(Reason::kServiceUnavailable)) {
    return {Reason::kServiceUnavailable,
            cat("Cannot connect to the Docker daemon at unix://", socket_,
                ". Is the docker daemon running? (", why.message(), ")")};
  }
  return {Reason::kServiceUnavailable,
          cat("error during connect: unix://", socket_, ": ", why.message())};
}

async::Task<Result<EngineVersion>> Engine::version(async::StopToken stop) {
  if (version_.spoken != 0) co_return version_;
  net::Request request;
  request.method = "GET";
  request.path = "/version";
  auto response = co_await client_.send(std::move(request), false, stop);
  if (!response) co_return fail(unreachable(std::move(response).error()));
  const std::string body = response->body_text();
  if (response->status != 200) co_return fail(refusal(*response, body));
  KPP_CO_ASSIGN(const json::Value answer, json::parse(body));
  KPP_CO_ASSIGN(version_, choose_version(answer));
  co_return version_;
}

async::Task<Result<EngineInfo>> Engine::info(async::StopToken stop) {
  if (info_) co_return *info_;
  KPP_CO_ASSIGN(const json::Value answer, co_await get("/info", "", std::move(stop)));
  EngineInfo out;
  out.cgroup_driver = json::text_at(answer, "CgroupDriver");
  out.root_directory = json::text_at(answer, "DockerRootDir");
  const json::Value* runtimes = json::find(answer, "Runtimes");
  if (runtimes != nullptr && runtimes->is_object()) {
    for (const auto& [name, runtime] : runtimes->as_object()) out.runtimes.emplace_back(name);
  }
  info_ = out;
  co_return out;
}

async::Task<Result<net::Request>> Engine::prepare(Call call, async::StopToken stop) {
  KPP_CO_ASSIGN(const EngineVersion spoken, co_await version(stop));
  net::Request request;
  request.method = std::move(call.method);
  request.path = cat("/v1.", spoken.spoken, call.path);
  request.query = std::move(call.query);
  request.body = std::move(call.body);
  request.headers = std::move(call.headers);
  if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
  co_return request;
}

async::Task<Result<json::Value>> Engine::send(Call call, async::StopToken stop) {
  KPP_CO_ASSIGN(net::Request request, co_await prepare(std::move(call), stop));
  auto response = co_await client_.send(std::move(request), false, stop);
  if (!response) co_return fail(unreachable(std::move(response).error()));
  const std::string body = response->body_text();
  // 304: it is so already.
  if (response->status == 304) co_return json::Value();
  if (response->status >= 300) co_return fail(refusal(*response, body));
  if (body.empty() || response->status == 204) co_return json::Value();
  co_return json::parse(body);
}

async::Task<Result<json::Value>> Engine::get(std::string path, std::string query,
                                             async::StopToken stop) {
  return send({"GET", std::move(path), std::move(query), {}, {}}, std::move(stop));
}

async::Task<Result<json::Value>> Engine::post(std::string path, std::string query, json::Value body,
                                              async::StopToken stop) {
  std::string text = body.is_null() ? std::string() : json::write(body);
  return send({"POST", std::move(path), std::move(query), std::move(text), {}}, std::move(stop));
}

async::Task<Status> Engine::remove(std::string path, std::string query, async::StopToken stop) {
  auto answer =
      co_await send({"DELETE", std::move(path), std::move(query), {}, {}}, std::move(stop));
  co_return answer ? Status() : std::move(answer).error();
}

async::Task<Result<std::unique_ptr<net::BodySource>>> Engine::stream(std::string method,
                                                                     std::string path,
                                                                     std::string query,
                                                                     net::Headers headers,
                                                                     async::StopToken stop) {
  KPP_CO_ASSIGN(
      net::Request request,
      co_await prepare(
          {std::move(method), std::move(path), std::move(query), {}, std::move(headers)}, stop));
  auto response = co_await client_.send(std::move(request), true, stop);
  if (!response) co_return fail(unreachable(std::move(response).error()));
  if (response->status < 300) co_return std::move(response->stream);
  std::string body;
  while (response->stream) {
    auto piece = co_await response->stream->next(stop);
    if (!piece || *piece == nullptr) break;
    body += **piece;
  }
  co_return fail(refusal(*response, body));
}

async::Task<Result<std::unique_ptr<net::ByteStream>>> Engine::upgrade(std::string path,
                                                                      std::string query,
                                                                      json::Value body,
                                                                      async::StopToken stop) {
  net::Headers headers;
  headers.add("Upgrade", "tcp");
  std::string text = body.is_null() ? std::string() : json::write(body);
  KPP_CO_ASSIGN(net::Request request, co_await prepare({"POST", std::move(path), std::move(query),
                                                        std::move(text), std::move(headers)},
                                                       stop));
  auto upgraded = co_await client_.upgrade(std::move(request), stop);
  if (!upgraded) co_return fail(unreachable(std::move(upgraded).error()));
  if (!upgraded->stream)
    co_return fail(refusal(upgraded->response, upgraded->response.body_text()));
  co_return std::move(upgraded->stream);
}

std::string filters(std::initializer_list<std::pair<std::string_view, std::string>> filters) {
  json::Object out;
  for (const auto& [name, value] : filters) {
    if (!out.contains(name)) out[name] = json::Array();
    out[name].as_array().emplace_back(value);
  }
  return cat("filters=", net::percent_encode(json::write(out)));
}

}  // namespace kpp::dockershim
