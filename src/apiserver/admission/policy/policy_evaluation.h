// Evaluation of a policy's expressions for one request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "apiserver/admission/plugins.h"
#include "apiserver/admission/policy/policy_programs.h"
#include "cel/lib/authorizers.h"
#include "codec/json.h"

namespace kpp::apiserver {

// What expressions see of a request, in the version that a policy names. Immutable.
struct RequestView {
  const ServedResource* matched = nullptr;
  std::optional<json::Value> object, old_object, namespace_object;  // nullopt: null
  json::Value request;
  std::shared_ptr<const cel::AccessOracle> oracle;
};

RequestView make_view(const ServedResource& matched, const AdmissionRequest& request,
                      const api::Object* object, const Lookup& lookup);

// What all expressions of one kind may cost for one policy and one set of parameters.
inline constexpr std::int64_t kConditionsBudget = 2'500'000;
inline constexpr std::int64_t kExpressionsBudget = 10'000'000;
inline constexpr const char* kBudgetSpent =
    "validation failed due to running out of cost budget, no further validation rules will be run";

struct ExpressionResult {
  cel::Value value;
  std::string error;  // not empty: there is no value
};

// Evaluates expressions of one policy with one set of parameters.
// Ownership: what it is made of outlives it; values that it gives may refer to it.
class PolicyEvaluation {
 public:
  PolicyEvaluation(const RequestView& view, const PolicyHead& head, const json::Value* params);
  ~PolicyEvaluation();
  PolicyEvaluation(const PolicyEvaluation&) = delete;
  PolicyEvaluation& operator=(const PolicyEvaluation&) = delete;

  // Takes the cost from the budget; nullopt when that is spent.
  std::optional<ExpressionResult> run(const PolicyExpression& expression, std::int64_t& budget);

  struct Match {
    bool matches = true;
    std::string error;  // not empty: cannot be told
  };
  // Whether all conditions hold. Conditions that fail count as `ignore_failures` says.
  Match match(bool ignore_failures);

 private:
  class Scope;
  std::unique_ptr<Scope> scope_;
  const PolicyHead& head_;
};

}  // namespace kpp::apiserver
