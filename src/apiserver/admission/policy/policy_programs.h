// Admission policies with their expressions compiled.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/admissionregistrationv1.h"
#include "apiserver/watch_cache.h"
#include "validation/expressions/admission.h"

namespace kpp::apiserver {

struct PolicyExpression {
  std::string text;
  std::expected<validation::AdmissionCompiler::Compiled, std::string> program;
};

struct NamedExpression {
  std::string name;
  PolicyExpression expression;
};

// What both kinds of policies have.
struct PolicyHead {
  std::vector<NamedExpression> conditions;
  std::vector<NamedExpression> variables;  // each sees those before it
};

struct ValidatingPrograms {
  admissionregistrationv1::ValidatingAdmissionPolicy policy;
  PolicyHead head;
  std::vector<PolicyExpression> validations;
  std::vector<std::optional<PolicyExpression>> messages;  // one for each validation
  std::vector<PolicyExpression> annotations;
};

struct MutatingPrograms {
  admissionregistrationv1::MutatingAdmissionPolicy policy;
  PolicyHead head;
  std::vector<PolicyExpression> mutations;
};

// Compiles each version of a policy once.
// Runs on: the server's executor.
class PolicyPrograms {
 public:
  // nullptr: what is stored is no such policy.
  std::shared_ptr<const ValidatingPrograms> validating(const CachedRef& policy);
  std::shared_ptr<const MutatingPrograms> mutating(const CachedRef& policy);

 private:
  template <class Programs>
  struct Kept {
    CachedRef source;
    std::shared_ptr<const Programs> programs;
  };
  std::map<std::string, Kept<ValidatingPrograms>> validating_;  // by name
  std::map<std::string, Kept<MutatingPrograms>> mutating_;
};

}  // namespace kpp::apiserver
