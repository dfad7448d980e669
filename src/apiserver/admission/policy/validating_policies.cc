// ValidatingAdmissionPolicy: requests are held against the expressions of policies whose bindings
// match.
#include <algorithm>
#include <map>

#include "apiserver/admission/policy/policy_evaluation.h"
#include "apiserver/admission/policy/policy_params.h"
#include "apiserver/admission/policy/request_matching.h"
#include "apiserver/audit/trail.h"
#include "apiserver/errors.h"

namespace kpp::apiserver {
namespace {

using admissionregistrationv1::ValidatingAdmissionPolicy;
using admissionregistrationv1::ValidatingAdmissionPolicyBinding;

constexpr std::string_view kGroup = "admissionregistration.k8s.io";
constexpr std::size_t kLongestMessage = 5 * 1024;
constexpr std::size_t kLongestAnnotation = 10 * 1024;
constexpr const char* kFailureAnnotation = "validation.policy.admission.k8s.io/validation_failure";

struct Denial {
  std::string policy, binding;  // no binding: the policy itself cannot be used
  std::string message;
  std::string reason;  // empty: Invalid
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Reason reason_of(const std::string& text) {
  if (text == "Forbidden") return Reason::kForbidden;
  if (text == "Unauthorized") return Reason::kUnauthorized;
  if (text == "RequestEntityTooLarge") return Reason::kRequestEntityTooLarge;
  return Reason::kInvalid;
}

Status denied(const AdmissionRequest& request, const Denial& denial) {
  const std::string message =
      denial.binding.empty()
          ? cat("ValidatingAdmissionPolicy '", denial.policy, "' denied request: ", denial.message)
          : cat("ValidatingAdmissionPolicy '", denial.policy, "' with binding '", denial.binding,
                "' denied request: ", denial.message);
  const Status base = refused(request, message);
  StatusDetails details = base.details();
  details.causes.push_back({"", message, ""});
  const Reason reason = reason_of(denial.reason);
  return Status(reason, base.message(), std::move(details)).with_code(reason_code(reason));
}

// One evaluation of a policy for one request, binding and set of parameters.
class Validator {
 public:
  Validator(const ValidatingPrograms& programs, const RequestView& view, const json::Value* params)
      : programs_(programs),
        fails_(programs.policy.spec.failure_policy.value_or("Fail") == "Fail"),
        evaluation_(view, programs.head, params) {}

  // What is denied: with the failure policy Ignore, failures are not.
  struct Decision {
    std::string message, reason;
    std::size_t index = 0;  // of the expression
  };
  struct Outcome {
    std::vector<Decision> denials;               // handled as the binding's actions say
    std::vector<std::string> annotation_errors;  // always denied
    std::vector<std::pair<std::string, std::string>> annotations;
  };
  Outcome run() {
    Outcome out;
    const auto match = evaluation_.match(!fails_);
    if (!match.error.empty()) {
      deny_failure(out, match.error);
      return out;
    }
    if (!match.matches) return out;
    std::int64_t budget = kExpressionsBudget;
    std::vector<ExpressionResult> results;
    for (const PolicyExpression& validation : programs_.validations) {
      auto result = evaluation_.run(validation, budget);
      if (!result) {
        deny_failure(out, kBudgetSpent);
        return out;
      }
      results.push_back(std::move(*result));
    }
    for (std::size_t i = 0; i < results.size(); ++i) judge(i, results[i], budget, out);
    annotate(out);
    return out;
  }

 private:
  void deny_failure(Outcome& out, std::string message) const {
    if (fails_) out.denials.push_back({std::move(message), ""});
  }

  void judge(std::size_t index, const ExpressionResult& result, std::int64_t& budget,
             Outcome& out) {
    if (!result.error.empty()) return deny_failure(out, result.error);
    const auto* holds = result.value.as<bool>();
    if (holds != nullptr && *holds) return;
    const auto& validation = programs_.policy.spec.validations[index];
    std::string message;
    if (const auto& expression = programs_.messages[index]) {
      const auto text = evaluation_.run(*expression, budget);
      if (!text) return deny_failure(out, cat("failed messageExpression: ", kBudgetSpent));
      if (text->error.empty() && text->value.text() != nullptr) {
        message = trimmed(*text->value.text());
        if (message.size() > kLongestMessage || message.find('\n') != std::string::npos)
          message.clear();
      }
    }
    if (message.empty()) message = trimmed(validation.message);
    if (message.empty()) message = cat("failed expression: ", trimmed(validation.expression));
    out.denials.push_back({std::move(message), validation.reason.value_or("Invalid"), index});
  }

  // What cannot be written into the audit log is refused, though nobody keeps one.
  void annotate(Outcome& out) {
    std::int64_t budget = kExpressionsBudget;
    for (std::size_t i = 0; i < programs_.annotations.size(); ++i) {
      const auto result = evaluation_.run(programs_.annotations[i], budget);
      if (!result) return deny_failure(out, kBudgetSpent);
      if (!result->error.empty() && fails_) out.annotation_errors.push_back(result->error);
      const std::string* text = result->error.empty() ? result->value.text() : nullptr;
      const std::string_view value = text == nullptr ? std::string_view() : trimmed(*text);
      if (!value.empty()) {
        out.annotations.emplace_back(programs_.policy.spec.audit_annotations[i].key,
                                     value.substr(0, kLongestAnnotation));
      }
    }
  }

  const ValidatingPrograms& programs_;
  bool fails_;
  PolicyEvaluation evaluation_;
};

// All policies against one request.
class Dispatch {
 public:
  Dispatch(const AdmissionRequest& request, const api::Object* object, const Lookup& lookup)
      : request_(request), object_(object), lookup_(lookup) {}

  Status run() {
    if (is_exempt(request_)) return {};
    lookup_.each(kGroup, "validatingadmissionpolicies", "", [this](const CachedRef& stored) {
      if (const auto programs = lookup_.policies().validating(stored)) run_policy(*programs);
    });
    if (request_.audit != nullptr) {
      for (auto& [key, values] : annotations_) request_.audit->annotate(key, join(values, ", "));
    }
    if (denials_.empty()) return {};
    return denied(request_, denials_.front());
  }

 private:
  void run_policy(const ValidatingPrograms& programs) {
    const auto& spec = programs.policy.spec;
    if (!spec.match_constraints) return;
    const ServedResource* matched =
        matched_resource(*spec.match_constraints, request_, object_, lookup_);
    if (matched == nullptr) return;
    std::optional<RequestView> view;
    for (const auto& binding : bindings()) {
      if (binding.spec.policy_name != programs.policy.metadata.name) continue;
      if (binding.spec.match_resources &&
          matched_resource(*binding.spec.match_resources, request_, object_, lookup_) == nullptr)
        continue;
      const PolicyParams params =
          find_params(spec.param_kind, binding.spec.param_ref, request_, lookup_);
      if (!params.error.empty()) {
        misconfigured(programs, binding, params);
        if (params.is_policy_error) return;
        continue;
      }
      if (!view) view = make_view(*matched, request_, object_, lookup_);
      for (const auto& each : params.each) {
        act(programs, binding, Validator(programs, *view, each.get()).run());
      }
    }
  }

  const std::vector<ValidatingAdmissionPolicyBinding>& bindings() {
    if (!bindings_) {
      bindings_ = lookup_.list<ValidatingAdmissionPolicyBinding>(
          kGroup, "validatingadmissionpolicybindings", "");
    }
    return *bindings_;
  }

  void misconfigured(const ValidatingPrograms& programs,
                     const ValidatingAdmissionPolicyBinding& binding, const PolicyParams& params) {
    if (programs.policy.spec.failure_policy.value_or("Fail") == "Ignore") return;
    const std::string& policy = programs.policy.metadata.name;
    if (params.is_policy_error) {
      denials_.push_back({policy, "", cat("failed to configure policy: ", params.error), ""});
    } else {
      denials_.push_back(
          {policy, binding.metadata.name, cat("failed to configure binding: ", params.error), ""});
    }
  }

  void act(const ValidatingPrograms& programs, const ValidatingAdmissionPolicyBinding& binding,
           const Validator::Outcome& outcome) {
    const std::string& policy = programs.policy.metadata.name;
    for (const auto& [key, value] : outcome.annotations) {
      auto& values = annotations_[cat(policy, "/", key)];
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    for (const auto& decision : outcome.denials) {
      for (const std::string& action : binding.spec.validation_actions) {
        if (action == "Deny") {
          denials_.push_back({policy, binding.metadata.name, decision.message, decision.reason});
        } else if (action == "Warn" && request_.warnings != nullptr) {
          request_.warnings->push_back(cat("Validation failed for ValidatingAdmissionPolicy '",
                                           policy, "' with binding '", binding.metadata.name,
                                           "': ", decision.message));
        } else if (action == "Audit" && request_.audit != nullptr) {
          note_failure(policy, binding, decision);
        }
      }
    }
    for (const std::string& error : outcome.annotation_errors)
      denials_.push_back({policy, binding.metadata.name, error, ""});
  }

  void note_failure(const std::string& policy, const ValidatingAdmissionPolicyBinding& binding,
                    const Validator::Decision& decision) {
    json::Array actions;
    for (const auto& action : binding.spec.validation_actions) actions.emplace_back(action);
    const json::Object failure{{"message", decision.message},
                               {"policy", policy},
                               {"binding", binding.metadata.name},
                               {"expressionIndex", decision.index},
                               {"validationActions", std::move(actions)}};
    request_.audit->annotate(kFailureAnnotation, json::write(json::Array{failure}));
  }

  const AdmissionRequest& request_;
  const api::Object* object_;
  const Lookup& lookup_;
  std::optional<std::vector<ValidatingAdmissionPolicyBinding>> bindings_;
  std::vector<Denial> denials_;
  std::map<std::string, std::vector<std::string>> annotations_;  // of the audit log
};

}  // namespace

Plugin validating_policy_plugin() {
  return {"ValidatingAdmissionPolicy", nullptr,
          [](const api::Object& object, const AdmissionRequest& request, const Lookup& lookup) {
            return Dispatch(request, &object, lookup).run();
          },
          [](const AdmissionRequest& request, const Lookup& lookup) {
            return Dispatch(request, nullptr, lookup).run();
          }};
}

}  // namespace kpp::apiserver
