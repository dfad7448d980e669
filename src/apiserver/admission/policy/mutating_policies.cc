#include "apiserver/admission/policy/mutating_policies.h"

#include "api/apply/document.h"
#include "api/defaults/defaults.h"
#include "apiserver/admission/policy/object_patch.h"
#include "apiserver/admission/policy/policy_evaluation.h"
#include "apiserver/admission/policy/policy_params.h"
#include "apiserver/admission/policy/request_matching.h"
#include "apiserver/errors.h"
#include "apiserver/handlers/common.h"

namespace kpp::apiserver {
namespace {

using admissionregistrationv1::MutatingAdmissionPolicyBinding;

constexpr std::string_view kGroup = "admissionregistration.k8s.io";

// The object in another served version.
api::Object in_version(const ServedResource& from, const ServedResource& to, api::Object object) {
  if (&from == &to || object.desc().name != from.type->name) return object;
  return to_served(to, to_storage(from, std::move(object)));
}

}  // namespace

void MutatingPolicies::find_invocations(const api::Object& object) {
  lookup_.each(kGroup, "mutatingadmissionpolicies", "", [&](const CachedRef& stored) {
    const auto programs = lookup_.policies().mutating(stored);
    if (!programs || !programs->policy.spec.match_constraints) return;
    const ServedResource* matched =
        matched_resource(*programs->policy.spec.match_constraints, request_, &object, lookup_);
    if (matched != nullptr) find_bindings(programs, *matched, object);
  });
}

void MutatingPolicies::find_bindings(const std::shared_ptr<const MutatingPrograms>& programs,
                                     const ServedResource& matched, const api::Object& object) {
  const auto& policy = programs->policy;
  for (const auto& binding : lookup_.list<MutatingAdmissionPolicyBinding>(
           kGroup, "mutatingadmissionpolicybindings", "")) {
    if (binding.spec.policy_name != policy.metadata.name) continue;
    if (binding.spec.match_resources &&
        matched_resource(*binding.spec.match_resources, request_, &object, lookup_) == nullptr)
      continue;
    const PolicyParams params =
        find_params(policy.spec.param_kind, binding.spec.param_ref, request_, lookup_);
    if (!params.error.empty()) {
      add_failure(*programs, params.is_policy_error ? "" : binding.metadata.name,
                  cat("failed to configure ",
                      params.is_policy_error ? "policy: " : "binding: ", params.error),
                  Reason::kForbidden);
      if (params.is_policy_error) return;
      continue;
    }
    for (const auto& each : params.each)
      invocations_.push_back({programs, &matched, binding.metadata.name, each});
  }
}

void MutatingPolicies::add_failure(const MutatingPrograms& programs, const std::string& binding,
                                   const std::string& why, Reason reason) {
  if (programs.policy.spec.failure_policy.value_or("Fail") == "Ignore") return;
  const std::string& policy = programs.policy.metadata.name;
  failures_.push_back({binding.empty() ? cat("policy ", quoted(policy), " denied request: ", why)
                                       : cat("policy '", policy, "' with binding '", binding,
                                             "' denied request: ", why),
                       reason});
}

Status MutatingPolicies::invoke(const Invocation& invocation, api::Object& object) {
  const MutatingPrograms& programs = *invocation.programs;
  const bool ignores = programs.policy.spec.failure_policy.value_or("Fail") == "Ignore";
  {
    const RequestView view = make_view(*invocation.matched, request_, &object, lookup_);
    const auto match =
        PolicyEvaluation(view, programs.head, invocation.params.get()).match(ignores);
    if (!match.error.empty())
      add_failure(programs, invocation.binding, match.error, Reason::kInvalid);
    if (!match.matches || !match.error.empty()) return {};
  }
  for (std::size_t i = 0; i < programs.mutations.size(); ++i) {
    const RequestView view = make_view(*invocation.matched, request_, &object, lookup_);
    PolicyEvaluation evaluation(view, programs.head, invocation.params.get());
    std::int64_t budget = kExpressionsBudget;
    const auto result = evaluation.run(programs.mutations[i], budget);
    if (!result || !result->error.empty()) {
      add_failure(programs, invocation.binding, result ? result->error : kBudgetSpent,
                  Reason::kInvalid);
      continue;
    }
    const api::Object before = in_version(*request_.resource, *invocation.matched, object);
    auto patched = programs.policy.spec.mutations[i].apply_configuration
                       ? apply_configuration(before, result->value)
                       : apply_json_patches(before, result->value);
    if (!patched && patched.error().is(Reason::kInternalError)) return patched.error();
    if (!patched) {
      add_failure(programs, invocation.binding, patched.error().message(), Reason::kInvalid);
      continue;
    }
    api::apply_defaults(*patched);
    object = in_version(*invocation.matched, *request_.resource, std::move(*patched));
  }
  return {};
}

Status MutatingPolicies::run(api::Object& object) {
  if (is_exempt(request_)) return {};
  find_invocations(object);
  for (std::size_t i = 0; i < invocations_.size(); ++i) {
    const json::Value before = api::to_document(object.desc(), object.data());
    KPP_RETURN_IF_ERROR(invoke(invocations_[i], object));
    last_ = api::to_document(object.desc(), object.data());
    if (!api::same_document(before, last_)) {
      changed_ = true;
      again_.merge(seen_);
      seen_.clear();
    }
    if (invocations_[i].programs->policy.spec.reinvocation_policy == "IfNeeded") seen_.insert(i);
  }
  return verdict();
}

Status MutatingPolicies::run_again(api::Object& object) {
  if (!api::same_document(last_, api::to_document(object.desc(), object.data())))
    again_.merge(seen_);
  for (const std::size_t i : again_) KPP_RETURN_IF_ERROR(invoke(invocations_[i], object));
  return verdict();
}

Status MutatingPolicies::verdict() const {
  if (failures_.empty()) return {};
  const Status base = refused(request_, "admission request denied by policy");
  StatusDetails details = base.details();
  for (const Failure& failure : failures_) details.causes.push_back({"", failure.message, ""});
  const Failure& first = failures_.front();
  return Status(first.reason, first.message, std::move(details))
      .with_code(reason_code(Reason::kForbidden));
}

}  // namespace kpp::apiserver
