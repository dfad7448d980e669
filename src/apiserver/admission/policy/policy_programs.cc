#include "apiserver/admission/policy/policy_programs.h"

#include "api/json_codec.h"

namespace kpp::apiserver {
namespace {

using admissionregistrationv1::MutatingAdmissionPolicy;
using admissionregistrationv1::ValidatingAdmissionPolicy;
using validation::AdmissionCompiler;
using validation::Sight;
namespace answers = validation::answers;

constexpr std::size_t kMostKept = 1000;

PolicyExpression compile(const AdmissionCompiler& compiler, const std::string& text,
                         const Sight& sight, std::initializer_list<cel::TypeRef> wanted) {
  return {text, compiler.compile(text, sight, wanted)};
}

template <class Spec>
PolicyHead compile_head(const Spec& spec, const Sight& sight, AdmissionCompiler& compiler) {
  PolicyHead out;
  const AdmissionCompiler plain;
  for (const auto& condition : spec.match_conditions) {
    out.conditions.push_back(
        {condition.name, compile(plain, condition.expression, sight, {answers::boolean()})});
  }
  for (const auto& variable : spec.variables) {
    NamedExpression named{variable.name, compile(compiler, variable.expression, sight, {})};
    compiler.add_variable(variable.name, named.expression.program
                                             ? named.expression.program->program.output()
                                             : nullptr);
    out.variables.push_back(std::move(named));
  }
  return out;
}

std::shared_ptr<const ValidatingPrograms> compile_policy(ValidatingAdmissionPolicy policy) {
  auto out = std::make_shared<ValidatingPrograms>();
  out->policy = std::move(policy);
  const auto& spec = out->policy.spec;
  const Sight sight{.params = static_cast<bool>(spec.param_kind), .authorizer = true};
  AdmissionCompiler compiler = AdmissionCompiler::with_variables();
  out->head = compile_head(spec, sight, compiler);
  for (const auto& each : spec.validations) {
    out->validations.push_back(compile(compiler, each.expression, sight, {answers::boolean()}));
    auto& message = out->messages.emplace_back();
    if (!each.message_expression.empty()) {
      message =
          compile(compiler, each.message_expression, {.params = sight.params}, {answers::text()});
    }
  }
  for (const auto& each : spec.audit_annotations) {
    out->annotations.push_back(
        compile(compiler, each.value_expression, sight, {answers::text(), answers::null()}));
  }
  return out;
}

std::shared_ptr<const MutatingPrograms> compile_policy(MutatingAdmissionPolicy policy) {
  auto out = std::make_shared<MutatingPrograms>();
  out->policy = std::move(policy);
  const auto& spec = out->policy.spec;
  Sight sight{.params = static_cast<bool>(spec.param_kind), .authorizer = true};
  AdmissionCompiler compiler = AdmissionCompiler::with_variables();
  out->head = compile_head(spec, sight, compiler);
  sight.patches = true;
  for (const auto& each : spec.mutations) {
    const bool applies = static_cast<bool>(each.apply_configuration);
    const std::string text = applies           ? each.apply_configuration->expression
                             : each.json_patch ? each.json_patch->expression
                                               : "";
    out->mutations.push_back(
        compile(compiler, text, sight, {applies ? answers::object() : answers::json_patch()}));
  }
  return out;
}

template <class Policy, class Kept>
auto kept_or_compiled(std::map<std::string, Kept>& kept, const CachedRef& policy) {
  if (const auto it = kept.find(policy->name); it != kept.end() && it->second.source == policy)
    return it->second.programs;
  auto parsed = api::parse_json<Policy>(*policy->json);
  if (!parsed) return decltype(Kept::programs)();
  if (kept.size() > kMostKept) kept.clear();
  Kept& slot = kept[policy->name];
  slot.source = policy;
  slot.programs = compile_policy(std::move(*parsed));
  return slot.programs;
}

}  // namespace

std::shared_ptr<const ValidatingPrograms> PolicyPrograms::validating(const CachedRef& policy) {
  return kept_or_compiled<ValidatingAdmissionPolicy>(validating_, policy);
}

std::shared_ptr<const MutatingPrograms> PolicyPrograms::mutating(const CachedRef& policy) {
  return kept_or_compiled<MutatingAdmissionPolicy>(mutating_, policy);
}

}  // namespace kpp::apiserver
