// Subresources of pods and namespaces that act: binding, eviction, finalize.
#include "api/corev1.h"
#include "api/policyv1.h"
#include "api/selectors.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"
#include "apiserver/handlers/handlers.h"
#include "apiserver/handlers/options.h"
#include "apiserver/handlers/write.h"

namespace kpp::apiserver {
namespace {

net::Response created(Call& call) {
  net::Response out = respond_json(
      201, R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})"
           "\n");
  add_warnings(out, call);
  return out;
}

// Errors of the binding's own checks come without a reason, as the original's do.
Status plain_error(std::string message) { return Status(Reason::kUnknown, std::move(message)); }

Result<api::Object> bind(const api::Object& current, const corev1::Binding& binding, WallTime now) {
  api::Object out = current;
  auto& pod = *out.as<corev1::Pod>();
  if (pod.metadata.deletion_timestamp) {
    return fail(conflict(
        "", "pods/binding", pod.metadata.name,
        cat("pod ", pod.metadata.name, " is being deleted, cannot be assigned to a host")));
  }
  if (!pod.spec.node_name.empty()) {
    return fail(conflict("", "pods/binding", pod.metadata.name,
                         cat("pod ", pod.metadata.name, " is already assigned to node ",
                             quoted(pod.spec.node_name))));
  }
  if (!pod.spec.scheduling_gates.empty()) {
    return fail(conflict("", "pods/binding", pod.metadata.name,
                         cat("pod ", pod.metadata.name, " has non-empty .spec.schedulingGates")));
  }
  pod.spec.node_name = binding.target.name;
  for (const auto& [key, value] : binding.metadata.annotations)
    pod.metadata.annotations[key] = value;
  for (const auto& [key, value] : binding.metadata.labels) pod.metadata.labels[key] = value;
  std::erase_if(pod.status.conditions, [](const auto& c) { return c.type == "PodScheduled"; });
  corev1::PodCondition scheduled;
  scheduled.type = "PodScheduled";
  scheduled.status = "True";
  scheduled.last_transition_time = api::Time::from(now);
  pod.status.conditions.push_back(std::move(scheduled));
  pod.status.nominated_node_name.clear();
  return out;
}

}  // namespace

async::Task<net::Response> handle_binding(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, false);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (Status s = check_write_options(call, "CreateOptions"); !s.ok())
    co_return respond_status(s, &call);
  auto body = decode_object(call, corev1::Binding::desc());
  if (!body) co_return respond_status(body.error(), &call);
  auto& binding = *body->as<corev1::Binding>();
  if (call.info.name.empty()) call.info.name = binding.metadata.name;
  if (binding.metadata.name != call.info.name) {
    co_return respond_status(bad_request("name in URL does not match name in Binding object"),
                             &call);
  }
  if (!binding.target.kind.empty() && binding.target.kind != "Node") {
    co_return respond_status(
        plain_error(cat("target.kind: Unsupported value: ", quoted(binding.target.kind),
                        ": supported values: \"Node\", \"<empty>\"")),
        &call);
  }
  if (binding.target.name.empty())
    co_return respond_status(plain_error("target.name: Required value"), &call);
  call.resource = call.core.table.find("", "v1", "pods");
  const WallTime now = call.core.executor.wall();
  const corev1::Binding wanted = binding;
  const std::string key = call.resource->store_key(call.info.namespace_, call.info.name);
  ModifyOptions options;
  options.subresource = "binding";
  options.validate = false;
  options.track_fields = false;
  auto change = [wanted, now, key](const api::Object& current) -> Result<api::Object> {
    const auto& meta = *api::metadata(current.desc(), current.data());
    if (!wanted.metadata.uid.empty() && wanted.metadata.uid != meta.uid) {
      return fail(conflict("", "pods", meta.name,
                           cat("StorageError: invalid object, Code: 4, Key: ", key,
                               ", ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID "
                               "in precondition: ",
                               wanted.metadata.uid, ", UID in object meta: ", meta.uid)));
    }
    return bind(current, wanted, now);
  };
  auto written = co_await modify_object(call, std::move(change), options);
  if (!written) co_return respond_status(written.error(), &call);
  co_return created(call);
}

async::Task<net::Response> handle_namespace_finalize(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, false);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  net::Response out = co_await handle_update(call);
  co_return out;
}

namespace {

constexpr int kBudgetAttempts = 20;
constexpr Duration kBudgetPause = std::chrono::milliseconds(50);

bool healthy(const corev1::Pod& pod) {
  for (const auto& c : pod.status.conditions) {
    if (c.type == "Ready") return c.status == "True";
  }
  return false;
}

// Takes one disruption from a budget, or says why it cannot.
async::Task<Status> spend_budget(Call& call, CachedRef cached_budget, std::string pod_name) {
  const ServedResource& budgets = *call.core.table.find("policy", "v1", "poddisruptionbudgets");
  api::Object object = decode_cached(budgets, *cached_budget);
  auto& budget = *object.as<policyv1::PodDisruptionBudget>();
  const auto too_many = [&](std::string message, std::string cause_type, std::string cause) {
    StatusDetails details;
    details.causes.push_back({std::move(cause_type), std::move(cause), ""});
    return Status(Reason::kTooManyRequests, std::move(message), std::move(details));
  };
  if (budget.status.observed_generation < budget.metadata.generation) {
    auto status = too_many("Cannot evict pod as it would violate the pod's disruption budget.",
                           "DisruptionBudget",
                           cat("The disruption budget ", budget.metadata.name,
                               " is still being processed by the server."));
    co_return status;
  }
  if (budget.status.disruptions_allowed <= 0) {
    co_return too_many("Cannot evict pod as it would violate the pod's disruption budget.",
                       "DisruptionBudget",
                       cat("The disruption budget ", budget.metadata.name, " needs ",
                           budget.status.desired_healthy, " healthy pods and has ",
                           budget.status.current_healthy, " currently"));
  }
  if (call.dry_run()) co_return Status();
  --budget.status.disruptions_allowed;
  budget.status.disrupted_pods[pod_name] = api::Time::from(call.core.executor.wall());
  auto written = co_await store_changed(call, budgets, std::move(object), cached_budget);
  if (!written) co_return std::move(written).error();
  co_return Status();
}

// The budgets that select a pod.
std::vector<CachedRef> budgets_of(Call& call, const corev1::Pod& pod) {
  const ServedResource& budgets = *call.core.table.find("policy", "v1", "poddisruptionbudgets");
  std::vector<CachedRef> out;
  call.core.cache.cache(budgets).each(
      budgets.store_key(call.info.namespace_, ""), {},
      [&](const std::string&, const CachedRef& candidate) {
        const api::Object decoded = decode_cached(budgets, *candidate);
        const auto& budget = *decoded.as<policyv1::PodDisruptionBudget>();
        const auto selector = api::LabelSelector::from(budget.spec.selector);
        if (selector && selector->matches(pod.metadata.labels)) out.push_back(candidate);
        return true;
      });
  return out;
}

// Evictions of several pods meet at one budget: who comes second reads it again.
async::Task<Status> spend_budgets(Call& call, corev1::Pod pod) {
  std::string name;
  for (int attempt = 0; attempt < kBudgetAttempts; ++attempt) {
    const auto matching = budgets_of(call, pod);
    if (matching.size() > 1) {
      co_return Status(Reason::kUnknown,
                       "This pod has more than one PodDisruptionBudget, which the eviction "
                       "subresource does not support.");
    }
    if (matching.empty() || !healthy(pod)) co_return Status();
    Status spent = co_await spend_budget(call, matching[0], pod.metadata.name);
    if (!spent.is(Reason::kConflict)) co_return spent;
    name = spent.details().name;
    const bool slept = co_await async::sleep_for(call.core.executor, kBudgetPause, call.stop);
    if (!slept) break;
  }
  co_return Status(Reason::kTimeout,
                   cat("couldn't update PodDisruptionBudget ", quoted(name), " due to conflicts"));
}

}  // namespace

async::Task<net::Response> handle_eviction(Call& call) {
  auto accept = negotiate(call.request.headers, call.query, false);
  if (!accept) co_return respond_status(accept.error());
  call.accept = *accept;
  if (Status s = check_write_options(call, "CreateOptions"); !s.ok())
    co_return respond_status(s, &call);
  auto body = decode_object(call, policyv1::Eviction::desc());
  if (!body) co_return respond_status(body.error(), &call);
  auto& eviction = *body->as<policyv1::Eviction>();
  if (eviction.metadata.name != call.info.name) {
    co_return respond_status(bad_request("name in URL does not match name in Eviction object"),
                             &call);
  }
  const Status fresh = co_await freshen(call);
  if (!fresh.ok()) co_return respond_status(fresh, &call);
  if (Status s = admit_action(call, *body); !s.ok()) co_return respond_status(s, &call);
  const CachedRef current = cached(call);
  if (!current) co_return respond_status(not_found("", "pods", call.info.name), &call);
  const api::Object object = decode_cached(*call.resource, *current);
  const auto& pod = *object.as<corev1::Pod>();
  const bool finished = pod.status.phase == "Succeeded" || pod.status.phase == "Failed" ||
                        pod.status.phase == "Pending" ||
                        pod.metadata.deletion_timestamp.has_value();
  if (!finished) {
    const Status spent = co_await spend_budgets(call, pod);
    if (!spent.ok()) co_return respond_status(spent, &call);
  }
  // The deletion itself takes the ordinary road, with the eviction's options.
  if (eviction.delete_options) {
    call.request.body = api::to_json(*eviction.delete_options);
  } else {
    call.request.body.clear();
  }
  call.request.headers.set("Content-Type", "application/json");
  call.info.subresource.clear();
  net::Response deleted = co_await handle_delete(call);
  if (deleted.status >= 300) co_return deleted;
  co_return created(call);
}

}  // namespace kpp::apiserver
