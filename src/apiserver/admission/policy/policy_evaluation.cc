#include "apiserver/admission/policy/policy_evaluation.h"

#include "api/corev1.h"
#include "api/json_codec.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/handlers/common.h"
#include "base/ids.h"
#include "cel/json_value.h"

namespace kpp::apiserver {
namespace {

// Asks the server's authorizer for the user of the request, or for a service account.
class UserOracle final : public cel::AccessOracle {
 public:
  UserOracle(User user, const Authorizer* authorizer)
      : user_(std::move(user)), authorizer_(authorizer) {}

  cel::AccessAnswer ask(const cel::AccessQuestion& question) const override {
    if (authorizer_ == nullptr) return {false, "", "no authorizer"};
    User user = user_;
    if (!question.service_account_name.empty()) {
      user = {};
      user.name = cat("system:serviceaccount:", question.service_account_namespace, ":",
                      question.service_account_name);
      user.groups = {"system:serviceaccounts",
                     cat("system:serviceaccounts:", question.service_account_namespace),
                     std::string(kGroupAuthenticated)};
    }
    AccessRequest request;
    request.verb = question.verb;
    request.is_resource = !question.is_path;
    request.path = question.path;
    request.group = question.group;
    request.version = "*";
    request.resource = question.resource;
    request.subresource = question.subresource;
    request.namespace_ = question.namespace_;
    request.name = question.name;
    Decision decision = authorizer_->authorize(user, request);
    return {decision.allowed(), std::move(decision.reason), ""};
  }

 private:
  User user_;
  const Authorizer* authorizer_;
};

json::Object kind_document(const ServedResource& resource) {
  return {{"group", resource.group},
          {"version", resource.version},
          {"kind", std::string(resource.kind())}};
}
json::Object resource_document(const ServedResource& resource) {
  return {{"group", resource.group},
          {"version", resource.version},
          {"resource", std::string(resource.name())}};
}

json::Object user_document(const User& user) {
  json::Object out;
  if (!user.name.empty()) out["username"] = user.name;
  if (!user.uid.empty()) out["uid"] = user.uid;
  json::Array groups;
  for (const std::string& group : user.groups) groups.emplace_back(group);
  if (!groups.empty()) out["groups"] = std::move(groups);
  json::Object extra;
  for (const auto& [key, values] : user.extra) {
    json::Array texts;
    for (const std::string& value : values) texts.emplace_back(value);
    extra[key] = std::move(texts);
  }
  if (!extra.empty()) out["extra"] = std::move(extra);
  return out;
}

std::pair<std::string_view, std::string_view> operation_names(Operation operation) {
  switch (operation) {
    case Operation::kCreate:
      return {"CREATE", "CreateOptions"};
    case Operation::kUpdate:
      return {"UPDATE", "UpdateOptions"};
    case Operation::kDelete:
      return {"DELETE", "DeleteOptions"};
    case Operation::kConnect:
      return {"CONNECT", ""};
  }
  return {};
}

json::Value request_document(const ServedResource& matched, const AdmissionRequest& request) {
  json::Object out;
  out["uid"] = "";
  out["kind"] = kind_document(matched);
  out["resource"] = resource_document(matched);
  out["requestKind"] = kind_document(*request.resource);
  out["requestResource"] = resource_document(*request.resource);
  if (!request.subresource.empty()) {
    out["subResource"] = request.subresource;
    out["requestSubResource"] = request.subresource;
  }
  if (!request.name.empty()) out["name"] = request.name;
  if (!request.namespace_.empty()) out["namespace"] = request.namespace_;
  const auto [operation, options] = operation_names(request.operation);
  out["operation"] = operation;
  out["userInfo"] = user_document(*request.user);
  out["dryRun"] = request.dry_run;
  json::Object given{{"kind", std::string(options)}, {"apiVersion", "meta.k8s.io/v1"}};
  if (request.dry_run) given["dryRun"] = json::Array{"All"};
  out["options"] = std::move(given);
  return out;
}

std::optional<json::Value> document_of(const api::Object* object, const ServedResource& matched,
                                       const AdmissionRequest& request) {
  if (object == nullptr) return std::nullopt;
  if (&matched == request.resource || object->desc().name != request.resource->type->name)
    return api::to_document(object->desc(), object->data());
  const api::Object served = to_served(matched, to_storage(*request.resource, *object));
  return api::to_document(served.desc(), served.data());
}

bool is_namespace(const ServedResource& resource) {
  return resource.group.empty() && resource.name() == "namespaces";
}

}  // namespace

RequestView make_view(const ServedResource& matched, const AdmissionRequest& request,
                      const api::Object* object, const Lookup& lookup) {
  RequestView out;
  out.matched = &matched;
  out.object = document_of(object, matched, request);
  out.old_object = document_of(request.old_object, matched, request);
  if (!request.namespace_.empty() && !is_namespace(*request.resource)) {
    if (const auto found = lookup.get<corev1::Namespace>("", "namespaces", "", request.namespace_))
      out.namespace_object = api::to_document(*found);
  }
  out.request = request_document(matched, request);
  out.oracle = std::make_shared<const UserOracle>(*request.user, lookup.authorizer());
  return out;
}

// The variables of the expressions; those of the policy are evaluated when they are first looked
// at.
class PolicyEvaluation::Scope final : public cel::Activation {
 public:
  Scope(const RequestView& view, const PolicyHead& head, const json::Value* params)
      : view_(view), params_(params), variables_(std::make_shared<Variables>(*this, head)) {}

  std::optional<cel::Value> find(std::string_view name) const override {
    if (name == "object") return value_of(view_.object);
    if (name == "oldObject") return value_of(view_.old_object);
    if (name == "request") {
      return cel::from_json(view_.request, validation::request_type(),
                            &validation::admission_structs());
    }
    if (name == "namespaceObject") {
      if (!view_.namespace_object) return cel::Value();
      return cel::from_json(*view_.namespace_object, validation::namespace_type(),
                            &validation::admission_structs());
    }
    if (name == "params") return params_ != nullptr ? cel::from_json(*params_) : cel::Value();
    if (name == "variables") return cel::Value::of(std::shared_ptr<const cel::Map>(variables_));
    if (name == "authorizer") return cel::authorizer_value(view_.oracle);
    if (name == "authorizer.requestResource") return requested_resource();
    return std::nullopt;
  }

  // What the policy's own variables have cost since the last call.
  std::uint64_t take_cost() { return std::exchange(cost_, 0); }

 private:
  class Variables final : public cel::Map {
   public:
    Variables(Scope& scope, const PolicyHead& head) : scope_(scope), head_(head) {}
    std::size_t size() const override { return head_.variables.size(); }
    std::optional<cel::Value> find(const cel::Value& key) const override {
      if (key.text() == nullptr) return std::nullopt;
      if (const auto it = known_.find(*key.text()); it != known_.end()) return it->second;
      // Of two of one name the later one counts.
      for (auto it = head_.variables.rbegin(); it != head_.variables.rend(); ++it) {
        if (it->name != *key.text()) continue;
        // While it is evaluated, it does not see itself.
        known_[it->name] = cel::Value::fail("no such key: " + it->name);
        return known_[it->name] = evaluate(*it);
      }
      return std::nullopt;
    }
    cel::Value key_at(std::size_t index) const override {
      return cel::Value::of(head_.variables[index].name);
    }
    cel::Value value_at(std::size_t index) const override {
      return find(key_at(index)).value_or(cel::Value());
    }

   private:
    cel::Value evaluate(const NamedExpression& variable) const {
      const auto failed = [&](std::string_view why) {
        return cel::Value::fail(
            cat("composited variable ", quoted(variable.name), " fails to evaluate: ", why));
      };
      const auto& program = variable.expression.program;
      if (!program) return failed(cat("compile error: ", program.error()));
      cel::Evaluation out = program->program.evaluate(scope_);
      scope_.cost_ += out.cost;
      return out.value.is_failure() ? failed(out.value.failure()) : std::move(out.value);
    }

    Scope& scope_;
    const PolicyHead& head_;
    mutable std::map<std::string, cel::Value, std::less<>> known_;
  };

  static cel::Value value_of(const std::optional<json::Value>& document) {
    return document ? cel::from_json(*document) : cel::Value();
  }
  cel::Value requested_resource() const {
    cel::AccessQuestion about;
    about.group = json::text_at(view_.request, "requestResource.group");
    about.resource = json::text_at(view_.request, "requestResource.resource");
    about.subresource = json::text_at(view_.request, "requestSubResource");
    about.namespace_ = json::text_at(view_.request, "namespace");
    about.name = json::text_at(view_.request, "name");
    return cel::resource_check_value(view_.oracle, std::move(about));
  }

  const RequestView& view_;
  const json::Value* params_;
  std::shared_ptr<Variables> variables_;
  std::uint64_t cost_ = 0;
};

PolicyEvaluation::PolicyEvaluation(const RequestView& view, const PolicyHead& head,
                                   const json::Value* params)
    : scope_(std::make_unique<Scope>(view, head, params)), head_(head) {}

PolicyEvaluation::~PolicyEvaluation() = default;

std::optional<ExpressionResult> PolicyEvaluation::run(const PolicyExpression& expression,
                                                      std::int64_t& budget) {
  if (!expression.program)
    return ExpressionResult{{}, "compilation error: " + expression.program.error()};
  cel::Evaluation out = expression.program->program.evaluate(*scope_);
  const std::uint64_t cost = out.cost + scope_->take_cost();
  if (cost > static_cast<std::uint64_t>(budget)) {
    budget = 0;
    return std::nullopt;
  }
  budget -= static_cast<std::int64_t>(cost);
  if (!out.value.is_failure()) return ExpressionResult{std::move(out.value), ""};
  return ExpressionResult{
      {}, cat("expression '", expression.text, "' resulted in error: ", out.value.failure())};
}

PolicyEvaluation::Match PolicyEvaluation::match(bool ignore_failures) {
  std::int64_t budget = kConditionsBudget;
  std::vector<std::string> failures;
  for (const NamedExpression& condition : head_.conditions) {
    const auto result = run(condition.expression, budget);
    if (!result) return {false, kBudgetSpent};
    if (!result->error.empty()) {
      failures.push_back(result->error);
      continue;
    }
    const auto* holds = result->value.as<bool>();
    if (holds != nullptr && !*holds) return {false, ""};
  }
  if (failures.empty()) return {};
  if (ignore_failures) return {false, ""};
  return {false, one_text(failures)};
}

}  // namespace kpp::apiserver
