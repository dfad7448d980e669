#include "validation/expressions/admission.h"

#include "base/cat.h"
#include "cel/lib/authorizers.h"
#include "validation/expressions/functions.h"

namespace kpp::validation {
namespace {

using cel::Kind;
using cel::Type;
using cel::TypeRef;

constexpr const char* kVariables = "kubernetes.variables";

TypeRef string() { return Type::of(Kind::kString); }
TypeRef any() { return Type::of(Kind::kDyn); }
TypeRef strings() { return Type::list(string()); }
TypeRef string_map() { return Type::map(string(), string()); }

cel::StructTable make_structs() {
  cel::StructTable out;
  const TypeRef time = Type::of(Kind::kTimestamp);
  const TypeRef whole = Type::of(Kind::kInt);
  const TypeRef kind = Type::object("kubernetes.GroupVersionKind");
  const TypeRef resource = Type::object("kubernetes.GroupVersionResource");
  out.add("kubernetes.GroupVersionKind",
          {{"group", string()}, {"version", string()}, {"kind", string()}});
  out.add("kubernetes.GroupVersionResource",
          {{"group", string()}, {"version", string()}, {"resource", string()}});
  out.add("kubernetes.UserInfo", {{"username", string()},
                                  {"uid", string()},
                                  {"groups", strings()},
                                  {"extra", Type::map(string(), strings())}});
  out.add("kubernetes.AdmissionRequest", {{"kind", kind},
                                          {"resource", resource},
                                          {"subResource", string()},
                                          {"requestKind", kind},
                                          {"requestResource", resource},
                                          {"requestSubResource", string()},
                                          {"name", string()},
                                          {"namespace", string()},
                                          {"operation", string()},
                                          {"userInfo", Type::object("kubernetes.UserInfo")},
                                          {"dryRun", Type::of(Kind::kBool)},
                                          {"options", any()}});
  out.add("kubernetes.NamespaceMetadata", {{"name", string()},
                                           {"generateName", string()},
                                           {"namespace", string()},
                                           {"labels", string_map()},
                                           {"annotations", string_map()},
                                           {"UID", string()},
                                           {"creationTimestamp", time},
                                           {"deletionGracePeriodSeconds", whole},
                                           {"deletionTimestamp", time},
                                           {"generation", whole},
                                           {"resourceVersion", string()},
                                           {"finalizers", strings()}});
  out.add("kubernetes.NamespaceSpec", {{"finalizers", strings()}});
  out.add("kubernetes.NamespaceStatus", {{"phase", string()}});
  out.add("kubernetes.Namespace", {{"metadata", Type::object("kubernetes.NamespaceMetadata")},
                                   {"spec", Type::object("kubernetes.NamespaceSpec")},
                                   {"status", Type::object("kubernetes.NamespaceStatus")}});
  return out;
}

// A variable's type as later expressions see it: the libraries' own types are any.
TypeRef seen_type(const TypeRef& type) {
  if (!type) return any();
  switch (type->kind()) {
    case Kind::kList:
      return Type::list(seen_type(type->params()[0]));
    case Kind::kMap:
      return Type::map(seen_type(type->params()[0]), seen_type(type->params()[1]));
    case Kind::kBool:
    case Kind::kBytes:
    case Kind::kDouble:
    case Kind::kDuration:
    case Kind::kInt:
    case Kind::kNull:
    case Kind::kString:
    case Kind::kTimestamp:
    case Kind::kUint:
      return type;
    default:
      return any();
  }
}

std::string unwanted(const TypeRef& found, std::initializer_list<TypeRef> wanted) {
  if (wanted.size() == 1)
    return cat("must evaluate to ", (*wanted.begin())->to_string(), " but got ",
               found->to_string());
  std::vector<std::string> names;
  for (const TypeRef& each : wanted) names.push_back(each->to_string());
  return cat("must evaluate to one of [", join(names, " "), "] but got ", found->to_string());
}

}  // namespace

namespace answers {
TypeRef boolean() { return Type::of(Kind::kBool); }
TypeRef text() { return Type::of(Kind::kString); }
TypeRef null() { return Type::of(Kind::kNull); }
TypeRef object() { return Type::object("Object"); }
TypeRef json_patch() { return Type::list(Type::object("JSONPatch")); }
}  // namespace answers

TypeRef request_type() { return Type::object("kubernetes.AdmissionRequest"); }
TypeRef namespace_type() { return Type::object("kubernetes.Namespace"); }

const cel::StructTable& admission_structs() {
  static const cel::StructTable kStructs = make_structs();
  return kStructs;
}

AdmissionCompiler::AdmissionCompiler() = default;

AdmissionCompiler AdmissionCompiler::with_variables() {
  AdmissionCompiler out;
  out.has_variables_ = true;
  return out;
}

void AdmissionCompiler::add_variable(const std::string& name, const TypeRef& type) {
  variables_[name] = seen_type(type);
}

std::expected<AdmissionCompiler::Compiled, std::string> AdmissionCompiler::compile(
    std::string_view expression, const Sight& sight, std::initializer_list<TypeRef> wanted) const {
  auto env = std::make_shared<cel::Env>();
  env->functions = &expression_functions();
  env->structs = admission_structs();
  env->variables = {{"object", any()},
                    {"oldObject", any()},
                    {"request", request_type()},
                    {"namespaceObject", namespace_type()}};
  if (sight.params) env->variables["params"] = any();
  if (sight.authorizer) {
    env->variables["authorizer"] = cel::authorizer_type();
    env->variables["authorizer.requestResource"] = cel::resource_check_type();
  }
  if (has_variables_) {
    env->variables["variables"] = Type::object(kVariables);
    env->structs.add(kVariables, variables_);
  }
  if (sight.patches) {
    env->any_object = true;
    env->structs.add("JSONPatch",
                     {{"op", string()}, {"path", string()}, {"from", string()}, {"value", any()}});
  }
  auto program = cel::Program::compile(*env, expression);
  if (!program) return std::unexpected("compilation failed: " + program.error());
  if (wanted.size() == 0) return Compiled{std::move(*program), std::move(env)};
  for (const TypeRef& each : wanted) {
    if (same_type(*each, *program->output())) return Compiled{std::move(*program), std::move(env)};
  }
  return std::unexpected(unwanted(program->output(), wanted));
}

}  // namespace kpp::validation
