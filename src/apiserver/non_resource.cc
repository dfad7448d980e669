#include "apiserver/non_resource.h"

#include <algorithm>

#include "apiserver/auth/service_account_tokens.h"
#include "apiserver/build_commit.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/openapi.h"
#include "base/version.h"

namespace kpp::apiserver {

struct NonResource::State {
  Core& core;
  const ServiceAccountTokens* tokens;
  const RequestMetrics& metrics;
  const std::string address;
  OpenApi openapi;
  bool ready = false;
};

namespace {

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

net::Response not_found_page() { return net::Response::text(404, kPlain, "404 page not found\n"); }

// What /healthz, /livez and /readyz ask, in this order.
struct HealthCheck {
  std::string_view name;
  bool only_ready;  // of /readyz alone
};
constexpr std::string_view kStore = "etcd", kStoreReadiness = "etcd-readiness";
constexpr HealthCheck kHealthChecks[] = {
    {"ping", false},
    {"log", false},
    {kStore, false},
    {kStoreReadiness, true},
    {"informer-sync", true},
    {"poststarthook/bootstrap-controller", false},
    {"poststarthook/rbac/bootstrap-roles", false},
    {"poststarthook/scheduling/bootstrap-system-priority-classes", false},
};
constexpr std::chrono::seconds kStoreTimeout{2};

bool asks(const HealthCheck& check, std::string_view endpoint) {
  return !check.only_ready || endpoint == "readyz";
}

async::Task<bool> store_answers(Core& core) {
  async::StopSource late;
  const auto timer = core.executor.call_at(core.executor.steady() + kStoreTimeout,
                                           [&late] { late.request_stop(); });
  const auto entry = co_await core.store.get("/registry/health", late.token());
  core.executor.cancel(timer);
  co_return entry.has_value();
}

// /healthz, /livez and /readyz, whole or one check of them.
async::Task<net::Response> health(Call& call, bool ready) {
  const std::string& path = call.request.path;
  const auto slash = path.find('/', 1);
  const std::string endpoint =
      path.substr(1, slash == std::string::npos ? std::string::npos : slash - 1);
  const std::string only = slash == std::string::npos ? "" : path.substr(slash + 1);
  std::vector<std::string> excluded;
  for (const auto name : call.query.all("exclude")) excluded.emplace_back(name);
  std::string text;
  bool all_ok = true;
  bool found = only.empty();
  for (const auto& check : kHealthChecks) {
    if (!asks(check, endpoint) || (!only.empty() && check.name != only)) continue;
    found = true;
    if (std::erase(excluded, check.name) > 0 && only.empty()) {
      text += cat("[+]", check.name, " excluded: ok\n");
      continue;
    }
    bool ok = true;
    if (check.name == kStore || check.name == kStoreReadiness) {
      ok = co_await store_answers(call.core);
    } else if (check.name != "ping" && check.name != "log") {
      // A process that still starts is alive.
      ok = ready || endpoint == "livez";
    }
    all_ok = all_ok && ok;
    text +=
        ok ? cat("[+]", check.name, " ok\n") : cat("[-]", check.name, " failed: reason withheld\n");
  }
  if (!found) co_return not_found_page();
  if (only.empty() && !excluded.empty()) {
    std::string names;
    for (const auto& name : excluded) names += cat(names.empty() ? "" : ",", quoted(name));
    text += cat("warn: some health checks cannot be excluded: no matches for ", names, "\n");
  }
  const bool verbose = call.query.has("verbose");
  net::Response out;
  if (!only.empty()) {
    out = all_ok ? net::Response::text(200, kPlain, "ok")
                 : net::Response::text(500, kPlain,
                                       cat("internal server error: ", only, " check failed\n"));
  } else if (!all_ok) {
    out = net::Response::text(500, kPlain, cat(text, endpoint, " check failed\n"));
  } else {
    out = net::Response::text(200, kPlain, verbose ? cat(text, endpoint, " check passed\n") : "ok");
  }
  out.headers.set("X-Content-Type-Options", "nosniff");
  co_return out;
}

net::Response version_page() {
  return respond_json(
      200,
      cat(R"({"major":")", kKubernetesMajor, R"(","minor":")", kKubernetesMinor,
          R"(","emulationMajor":"1","emulationMinor":"36","minCompatibilityMajor":"1","minCompatibilityMinor":"35",)",
          R"("gitVersion":")", kKubernetesVersion, R"(","gitCommit":")", build_commit(),
          R"(","gitTreeState":"","buildDate":"1970-01-01T00:00:00Z","goVersion":"c++23","compiler":"clang","platform":"linux/amd64"})"
          "\n"));
}

// The paths that / lists.
std::string paths_page(const ResourceTable& table) {
  std::vector<std::string> paths = {"/.well-known/openid-configuration", "/api", "/api/v1", "/apis",
                                    "/apis/"};
  std::string last_group;
  for (const auto& r : table.all()) {
    if (r->group.empty()) continue;
    if (r->group != last_group) paths.push_back(cat("/apis/", r->group));
    last_group = r->group;
    const std::string versioned = cat("/apis/", r->group, "/", r->version);
    if (paths.back() != versioned) paths.push_back(versioned);
  }
  for (const std::string_view endpoint : {"healthz", "livez", "readyz"}) {
    paths.push_back(cat("/", endpoint));
    for (const auto& check : kHealthChecks) {
      if (asks(check, endpoint)) paths.push_back(cat("/", endpoint, "/", check.name));
    }
  }
  for (const char* p :
       {"/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks", "/version"}) {
    paths.emplace_back(p);
  }
  std::ranges::sort(paths);
  std::string out = "{\"paths\":[";
  for (std::size_t i = 0; i < paths.size(); ++i) out += cat(i > 0 ? "," : "", quoted(paths[i]));
  return out + "]}\n";
}

net::Response metrics_page(const Core& core, const RequestMetrics& requests) {
  std::string out;
  requests.write(out);
  out +=
      "# HELP apiserver_storage_objects [STABLE] Number of stored objects at the time of last "
      "check "
      "split by kind. In case of a fetching error, the value will be -1.\n"
      "# TYPE apiserver_storage_objects gauge\n";
  for (const auto& r : core.table.all()) {
    if (!r->is_stored() || r->storage != r.get()) continue;
    out += cat("apiserver_storage_objects{resource=\"", qualified(r->name(), r->group), "\"} ",
               core.cache.cache(*r).objects().size(), "\n");
  }
  out += cat(
      "# HELP kubernetes_build_info [BETA] A metric with a constant '1' value labeled by major, "
      "minor, git version, git commit, git tree state, build date, Go version, and compiler from "
      "which Kubernetes was built, and platform on which it is running.\n"
      "# TYPE kubernetes_build_info gauge\n"
      "kubernetes_build_info{build_date=\"1970-01-01T00:00:00Z\",compiler=\"clang\",git_commit=\"",
      build_commit(), "\",git_tree_state=\"\",git_version=\"", kKubernetesVersion,
      "\",go_version=\"c++23\",major=\"", kKubernetesMajor, "\",minor=\"", kKubernetesMinor,
      "\",platform=\"linux/amd64\"} 1\n");
  return net::Response::text(200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
                             std::move(out));
}

net::Response issuer_page(const std::string& issuer, const std::string& address) {
  return respond_json(
      200,
      cat(R"({"issuer":")", issuer, R"(","jwks_uri":")", address,
          R"(/openid/v1/jwks","response_types_supported":["id_token"],"subject_types_supported":["public"],)",
          R"("id_token_signing_alg_values_supported":["RS256"]})"));
}

}  // namespace

NonResource::NonResource(Core& core, const ServiceAccountTokens* tokens,
                         const RequestMetrics& metrics, std::string address)
    : state_(std::make_unique<State>(
          State{core, tokens, metrics, std::move(address), OpenApi(core.table)})) {}
NonResource::~NonResource() = default;

void NonResource::set_ready() { state_->ready = true; }

async::Task<net::Response> NonResource::answer(Call& call) {
  const std::string& path = call.request.path;
  const auto under = [&](std::string_view root) {
    return path == root || (path.starts_with(root) && path[root.size()] == '/');
  };
  if (under("/healthz") || under("/livez") || under("/readyz")) {
    net::Response healthy = co_await health(call, state_->ready);
    co_return healthy;
  }
  if (path == "/version" || path == "/version/") {
    if (call.request.method != "GET") co_return respond_status(method_not_allowed());
    co_return version_page();
  }
  if (path == "/metrics") co_return metrics_page(state_->core, state_->metrics);
  if (path == "/") {
    auto accept = negotiate(call.request.headers, call.query, false);
    if (!accept) co_return respond_status(accept.error());
    co_return net::Response::text(200, "application/json", paths_page(state_->core.table));
  }
  if (under("/openapi")) {
    const WallTime now = call.core.executor.wall();
    if (auto document = state_->openapi.answer(call.request, now)) co_return std::move(*document);
    co_return not_found_page();
  }
  if (state_->tokens != nullptr && path == "/.well-known/openid-configuration")
    co_return issuer_page(state_->tokens->issuer(), state_->address);
  if (state_->tokens != nullptr && path == "/openid/v1/jwks") {
    const std::string_view wanted = call.request.headers.get("Accept");
    if (wanted.find("application/jwk-set+json") == std::string_view::npos &&
        wanted.find("*/*") == std::string_view::npos && !wanted.empty()) {
      co_return respond_status(
          Status(Reason::kNotAcceptable,
                 "only the following media types are accepted: application/jwk-set+json"));
    }
    const Status keyed = co_await state_->tokens->wait_for_key(call.stop);
    if (!keyed.ok()) co_return respond_status(keyed);
    co_return net::Response::text(200, "application/jwk-set+json", state_->tokens->jwks());
  }
  co_return not_found_page();
}

}  // namespace kpp::apiserver
