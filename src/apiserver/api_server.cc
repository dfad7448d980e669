#include "apiserver/api_server.h"

#include "api/corev1.h"
#include "api/selectors.h"
#include "apiserver/admission/admission.h"
#include "apiserver/allocators.h"
#include "apiserver/answer_end.h"
#include "apiserver/audit/trail.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/auth/bootstrap_tokens.h"
#include "apiserver/auth/impersonation.h"
#include "apiserver/bootstrap.h"
#include "apiserver/call.h"
#include "apiserver/discovery.h"
#include "apiserver/endpoint_reconciler.h"
#include "apiserver/errors.h"
#include "apiserver/flow_control_status.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/http_proxy.h"
#include "apiserver/handlers/kubelet_connections.h"
#include "apiserver/handlers/pod_proxy.h"
#include "apiserver/identity_lease.h"
#include "apiserver/metrics.h"
#include "apiserver/non_resource.h"
#include "apiserver/service_account_check.h"
#include "apiserver/service_claims.h"
#include "apiserver/status_form.h"
#include "base/ids.h"

namespace kpp::apiserver {

struct ApiServer::State {
  State(async::IoExecutor& e, store::Store& s, Logger l, ApiServerOptions o)
      : executor(e),
        store(s),
        log(std::move(l)),
        options(std::move(o)),
        cache(e, s, table, log),
        authorizer(cache, table, options.authorization_modes),
        admission(cache, table, options.admission_plugins, &authorizer),
        discovery(table, cat(options.advertise_address, ":", options.secure_port)) {}

  async::IoExecutor& executor;
  store::Store& store;
  Logger log;
  ApiServerOptions options;
  ResourceTable table;
  WatchCache cache;
  Authorizer authorizer;
  Admission admission;
  RequestMetrics metrics;
  Discovery discovery;
  std::unique_ptr<ServiceAccountTokens> tokens;
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<Allocators> allocators;
  std::unique_ptr<KubeletConnections> kubelets;
  std::unique_ptr<PodProxy> pod_proxy;
  std::unique_ptr<HttpProxy> http_proxy;
  std::unique_ptr<NonResource> non_resource;
  std::unique_ptr<Core> core;
  std::unique_ptr<FlowControlStatus> flow_control;
  std::unique_ptr<ServiceClaims> claims;
  std::unique_ptr<EndpointReconciler> endpoints;
  std::unique_ptr<IdentityLease> identity;
  std::unique_ptr<Audit> audit;  // nullptr: nothing is written down
  bool ready = false;
};

namespace {

constexpr std::size_t kBodyLimit = 3u << 20;

Status too_large() {
  return Status(Reason::kRequestEntityTooLarge,
                cat("Request entity too large: limit is ", kBodyLimit));
}

// What a list, a watch or a deletion of many is narrowed to. A selector that cannot be read narrows
// nothing; the handler refuses it.
void narrow(AccessRequest& access, const net::Query& query) {
  if (access.verb != "list" && access.verb != "watch" && access.verb != "deletecollection") return;
  const auto fields = api::FieldSelector::parse(query.get("fieldSelector"));
  if (!fields) return;
  for (const auto& term : fields->terms) {
    if (term.equals) access.field_values.emplace_back(term.field, term.value);
  }
  const std::string* name = access.required("metadata.name");
  if (name == nullptr || access.verb == "deletecollection" || !access.name.empty()) return;
  // One object by its name; a text that is no name is one of many.
  if (*name != "." && *name != ".." && name->find_first_of("/%") == std::string::npos)
    access.name = *name;
}

AccessRequest access_of(const net::Request& request, const net::Query& query,
                        const RequestInfo& info) {
  AccessRequest out;
  out.is_resource = info.is_resource;
  out.verb = info.verb;
  out.path = request.path;
  out.namespace_ = info.namespace_;
  out.group = info.group;
  out.version = info.version;
  out.resource = info.resource;
  out.subresource = info.subresource;
  out.name = info.name;
  if (info.is_resource) narrow(out, query);
  return out;
}

bool is_connection(const Call& call) {
  const auto& i = call.info;
  if (!i.group.empty()) return false;
  // Of pods, services and nodes: it is never the object itself that is read or written.
  if (i.subresource == "proxy") return true;
  return i.resource == "pods" && (i.subresource == "log" || i.subresource == "exec" ||
                                  i.subresource == "attach" || i.subresource == "portforward");
}

// What of a request may become a label of a metric.
RequestInfo countable(const RequestInfo& info, const ResourceTable& table) {
  const ServedResource* resource = table.find(info.group, info.version, info.resource);
  if (resource == nullptr) return {};
  RequestInfo out = info;
  if (resource->subresource(info.subresource) == nullptr) out.subresource.clear();
  return out;
}

using HandlerFunction = async::Task<net::Response> (*)(Call&);

// The handler of a subresource that has one of its own.
HandlerFunction special_handler(const Call& call) {
  const auto& info = call.info;
  if (info.subresource == "scale") return handle_scale;
  if (info.subresource == "binding" || (info.resource == "bindings" && info.group.empty()))
    return handle_binding;
  if (info.subresource == "eviction") return handle_eviction;
  if (info.subresource == "finalize") return handle_namespace_finalize;
  if (info.resource == "serviceaccounts" && info.subresource == "token")
    return handle_token_request;
  if (!call.resource->is_stored())
    return call.info.resource == "componentstatuses" ? handle_component_status : handle_review;
  return nullptr;
}

HandlerFunction verb_handler(std::string_view verb) {
  if (verb == "get") return handle_get;
  if (verb == "list") return handle_list;
  if (verb == "watch") return handle_watch;
  if (verb == "create") return handle_create;
  if (verb == "update") return handle_update;
  if (verb == "patch") return handle_patch;
  if (verb == "delete") return handle_delete;
  if (verb == "deletecollection") return handle_delete_collection;
  return nullptr;
}

bool word_in(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (list.substr(0, comma) == word) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

// Finds the resource and whether it knows the verb.
Status route(Call& call, const ResourceTable& table) {
  const auto& info = call.info;
  call.resource = table.find(info.group, info.version, info.resource);
  if (call.resource == nullptr) return no_such_resource();
  if (call.request.method == "HEAD") return method_not_allowed();
  const bool namespaced = call.resource->desc->namespaced;
  const bool namespace_itself = info.resource == "namespaces" && info.group.empty();
  if (!info.subresource.empty()) {
    call.subresource = call.resource->subresource(info.subresource);
    if (call.subresource == nullptr) return no_such_resource();
    if (!word_in(call.subresource->verbs, info.verb)) return method_not_allowed();
    return {};
  }
  if (!call.resource->supports(info.verb)) return method_not_allowed();
  if (info.verb == "create" && !info.name.empty() && !(namespace_itself && info.name.empty()))
    return method_not_allowed();
  if ((info.verb == "update" || info.verb == "patch") && info.name.empty())
    return method_not_allowed();
  if (namespaced && info.namespace_.empty() && info.verb != "list" && info.verb != "watch")
    return method_not_allowed();
  if (!namespaced && !info.namespace_.empty() && !namespace_itself) return no_such_resource();
  return {};
}

}  // namespace

ApiServer::ApiServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
ApiServer::~ApiServer() = default;

Authenticator& ApiServer::authenticator() { return *state_->authenticator; }

Status ApiServer::take_service_account_key(Result<std::string> key_pem) {
  return state_->tokens->take_key(std::move(key_pem));
}

Result<std::unique_ptr<ApiServer>> ApiServer::make(async::IoExecutor& executor, store::Store& store,
                                                   Logger log, ApiServerOptions options) {
  auto state = std::make_unique<State>(executor, store, std::move(log), std::move(options));
  State& s = *state;
  if (!s.options.audit_log.path.empty()) {
    KPP_ASSIGN(auto file, AuditLogFile::open(s.options.audit_log));
    s.audit = std::make_unique<Audit>(
        Audit{executor, s.options.audit_policy, std::move(file), s.log.named("audit")});
  }
  if (!s.options.service_account_key_pem.empty()) {
    KPP_ASSIGN(s.tokens, ServiceAccountTokens::make(s.options.service_account_key_pem,
                                                    s.options.service_account_issuer));
  } else if (s.options.service_account_key_follows) {
    s.tokens = ServiceAccountTokens::awaiting_key(executor, s.options.service_account_issuer);
  }
  KPP_ASSIGN(s.authenticator, Authenticator::make(s.options.authentication, s.tokens.get()));
  KPP_ASSIGN(s.allocators, Allocators::make(s.cache, s.table, s.options.service_cidr));
  s.core = std::make_unique<Core>(Core{executor, store, s.cache, s.table, s.authorizer, s.admission,
                                       *s.allocators, s.tokens.get(), s.authenticator.get(), s.log,
                                       s.options.event_ttl});
  s.authenticator->set_claims_check([core = s.core.get()](const TokenClaims& claims, WallTime now) {
    return is_in_force(claims, *core, now);
  });
  if (s.options.bootstrap_tokens) {
    s.authenticator->add_source(
        [core = s.core.get()](std::string_view token, WallTime now) -> std::optional<User> {
          const std::string name = bootstrap_secret_name(token);
          const ServedResource* secrets =
              name.empty() ? nullptr : core->table.find("", "v1", "secrets");
          if (secrets == nullptr) return std::nullopt;
          const CachedRef object =
              core->cache.cache(*secrets).find(secrets->store_key("kube-system", name));
          if (!object) return std::nullopt;
          const auto secret = json::parse(*object->json);
          return secret ? user_of_bootstrap_token(token, *secret, now) : std::nullopt;
        });
  }
  s.flow_control = std::make_unique<FlowControlStatus>(*s.core);
  s.claims = std::make_unique<ServiceClaims>(*s.core, s.allocators->first_port(),
                                             s.allocators->last_port());
  s.core->claims = s.claims.get();
  s.endpoints = std::make_unique<EndpointReconciler>(*s.core, s.options.advertise_address,
                                                     s.options.secure_port);
  s.identity = std::make_unique<IdentityLease>(*s.core, s.options.hostname);
  s.kubelets = std::make_unique<KubeletConnections>(executor, s.options.kubelet_tls,
                                                    s.options.kubelet_address_types);
  s.pod_proxy = std::make_unique<PodProxy>(*s.kubelets);
  s.http_proxy = std::make_unique<HttpProxy>(*s.kubelets);
  s.non_resource = std::make_unique<NonResource>(
      *s.core, s.tokens.get(), s.metrics,
      cat("https://", s.options.advertise_address, ":", s.options.secure_port));
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(state)));
}

async::Task<Status> ApiServer::start(async::StopToken stop) {
  KPP_CO_RETURN_IF_ERROR(co_await state_->cache.start(stop));
  BootstrapOptions options;
  options.service_cidr = state_->options.service_cidr;
  options.secure_port = state_->options.secure_port;
  options.client_ca_pem = state_->options.client_ca_pem;
  options.request_headers = state_->options.authentication.request_headers;
  KPP_CO_RETURN_IF_ERROR(
      co_await bootstrap_objects(*this, *state_->core, std::move(options), stop));
  KPP_CO_RETURN_IF_ERROR(co_await state_->endpoints->reconcile(stop));
  state_->endpoints->start();
  state_->claims->start();
  state_->identity->start();
  state_->flow_control->start();
  state_->ready = true;
  state_->non_resource->set_ready();
  co_return Status();
}

async::Task<void> ApiServer::stop() {
  co_await state_->flow_control->stop();
  co_await state_->identity->stop();
  co_await state_->claims->stop();
  co_await state_->endpoints->stop();
  co_await state_->cache.stop();
}

struct ApiServer::Arrived {
  net::Query query;
  RequestInfo info;
  AccessRequest access;
};

async::Task<net::Response> ApiServer::handle(net::Request request, async::StopToken stop) {
  State& s = *state_;
  Arrived arrived;
  arrived.query = net::Query::parse(request.query);
  arrived.info = parse_request_info(request.method, request.path, arrived.query);
  arrived.access = access_of(request, arrived.query, arrived.info);
  const auto running = s.metrics.begin(request, arrived.query, countable(arrived.info, s.table),
                                       s.executor.steady());
  const bool pretty = wants_pretty(request.headers, arrived.query);
  const std::string accept(request.headers.get("Accept"));
  std::string id(request.headers.get("Audit-Id"));
  if (id.empty()) id = new_uuid();
  std::unique_ptr<AuditTrail> trail;
  if (s.audit) trail = std::make_unique<AuditTrail>(*s.audit, id, request, s.executor.wall());
  net::Response out =
      co_await serve(std::move(request), std::move(arrived), trail.get(), std::move(stop));
  out.headers.set("Audit-Id", std::move(id));
  // What is proxied may say itself how long it stays good.
  if (out.headers.find("Cache-Control") == nullptr)
    out.headers.set("Cache-Control", "no-cache, private");
  if (trail) AuditTrail::finish(std::move(trail), out);
  give_status_its_form(out, accept, pretty);
  std::size_t bytes = 0;
  for (const auto& slice : out.body) bytes += slice->size();
  when_over(out, [&s, running, code = out.status, bytes] {
    s.metrics.end(running, code, bytes, s.executor.steady());
  });
  co_return out;
}

async::Task<net::Response> ApiServer::serve(net::Request request, Arrived arrived,
                                            AuditTrail* trail, async::StopToken stop) {
  State& s = *state_;
  const auto user = s.authenticator->authenticate(request, s.executor.wall());
  Call call{*s.core,
            std::move(request),
            std::move(arrived.query),
            std::move(arrived.info),
            {},
            nullptr,
            nullptr,
            {},
            {},
            {},
            stop,
            trail};
  const AccessRequest& access = arrived.access;
  if (trail != nullptr) {
    user ? trail->begin(*user, access) : trail->begin_unknown(access);
  }
  if (!user) co_return respond_status(user.error());
  auto acting = impersonate(s.authorizer, *user, call.request.headers, access);
  if (!acting) co_return respond_status(acting.error());
  call.user = std::move(*acting);
  const Decision decision = s.authorizer.authorize(call.user, access);
  if (trail != nullptr) {
    if (asks_to_impersonate(call.request.headers)) trail->acts_as(call.user);
    trail->annotate("authorization.k8s.io/decision", decision.allowed() ? "allow" : "forbid");
    trail->annotate("authorization.k8s.io/reason", decision.reason);
  }
  if (!decision.allowed())
    co_return respond_status(forbidden_to(call.user, access, decision.reason));
  if (!call.info.is_resource) {
    if (auto answer = s.discovery.answer(call.request, call.query)) co_return std::move(*answer);
    net::Response other = co_await s.non_resource->answer(call);
    co_return other;
  }
  if (call.request.body_too_large) co_return respond_status(too_large());
  // /apis/<group>/<version> and the like are discovery, though they parse as resources.
  if (auto answer = s.discovery.answer(call.request, call.query)) co_return std::move(*answer);
  if (!call.info.group.empty() && !s.table.has_group(call.info.group)) {
    co_return net::Response::text(404, "text/plain; charset=utf-8", "404 page not found\n");
  }
  if (Status routed = route(call, s.table); !routed.ok()) co_return respond_status(routed);
  if (call.resource->type == &corev1::Endpoints::desc()) {
    call.warnings.emplace_back(
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
  }
  if (is_connection(call)) {
    net::Response connected = call.info.subresource == "proxy" ? co_await s.http_proxy->handle(call)
                                                               : co_await s.pod_proxy->handle(call);
    co_return connected;
  }
  HandlerFunction handler = special_handler(call);
  if (handler == nullptr) handler = verb_handler(call.info.verb);
  if (handler == nullptr) co_return respond_status(method_not_allowed());
  net::Response out = co_await handler(call);
  co_return out;
}

}  // namespace kpp::apiserver
