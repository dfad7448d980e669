#include "cel/lib/authorizers.h"

#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

constexpr std::uint64_t kCheckCost = 350000;

TypeRef type_of(const char* name) {
  return Type::opaque(std::string("kubernetes.authorization.") + name);
}

// A question that is being put together: an Authorizer, a GroupCheck, a ResourceCheck or a
// PathCheck.
class Check final : public Opaque {
 public:
  Check(TypeRef type, std::shared_ptr<const AccessOracle> oracle, AccessQuestion question)
      : type_(std::move(type)), oracle_(std::move(oracle)), question_(std::move(question)) {}
  TypeRef type() const override { return type_; }
  bool equals(const Opaque& other) const override { return this == &other; }
  const std::shared_ptr<const AccessOracle>& oracle() const { return oracle_; }
  const AccessQuestion& question() const { return question_; }

 private:
  TypeRef type_;
  std::shared_ptr<const AccessOracle> oracle_;
  AccessQuestion question_;
};

class Decision final : public Opaque {
 public:
  explicit Decision(AccessAnswer answer) : answer_(std::move(answer)) {}
  TypeRef type() const override {
    static const TypeRef kType = type_of("Decision");
    return kType;
  }
  bool equals(const Opaque& other) const override { return this == &other; }
  const AccessAnswer& answer() const { return answer_; }

 private:
  AccessAnswer answer_;
};

Value check_value(const TypeRef& type, std::shared_ptr<const AccessOracle> oracle,
                  AccessQuestion question) {
  return Value::of(std::shared_ptr<const Opaque>(
      std::make_shared<const Check>(type, std::move(oracle), std::move(question))));
}

const TypeRef& path_check_type() {
  static const TypeRef kType = type_of("PathCheck");
  return kType;
}
const TypeRef& group_check_type() {
  static const TypeRef kType = type_of("GroupCheck");
  return kType;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string::npos;
}

// The question of the first argument with one more thing known.
template <std::string AccessQuestion::* kMember>
Value with(const Value& check, const TypeRef& type, const std::string& text) {
  const auto* held = check.opaque<Check>();
  AccessQuestion question = held->question();
  question.*kMember = text;
  return check_value(type, held->oracle(), std::move(question));
}
template <std::string AccessQuestion::* kMember>
Value refined(Args args) {
  return with<kMember>(args[0], resource_check_type(), *args[1].text());
}

Value path_check(Args args) {
  if (is_blank(*args[1].text())) return Value::fail("path must not be empty");
  const auto* held = args[0].opaque<Check>();
  AccessQuestion question = held->question();
  question.is_path = true;
  question.path = *args[1].text();
  return check_value(path_check_type(), held->oracle(), std::move(question));
}

bool is_name(const std::string& text, bool dots) {
  const std::string allowed =
      std::string("abcdefghijklmnopqrstuvwxyz0123456789-") + (dots ? "." : "");
  return !text.empty() && text.size() <= (dots ? 253U : 63U) &&
         text.find_first_not_of(allowed) == std::string::npos && text.front() != '-' &&
         text.back() != '-' && text.front() != '.' && text.back() != '.';
}

Value service_account(Args args) {
  if (!is_name(*args[2].text(), true)) return Value::fail("Invalid service account name");
  if (!is_name(*args[1].text(), false)) return Value::fail("Invalid service account namespace");
  const auto* held = args[0].opaque<Check>();
  AccessQuestion question = held->question();
  question.service_account_namespace = *args[1].text();
  question.service_account_name = *args[2].text();
  return check_value(authorizer_type(), held->oracle(), std::move(question));
}

Value ask(Args args) {
  const auto* held = args[0].opaque<Check>();
  AccessQuestion question = held->question();
  question.verb = *args[1].text();
  return Value::of(std::shared_ptr<const Opaque>(
      std::make_shared<const Decision>(held->oracle()->ask(question))));
}

const AccessAnswer& answer_of(const Value& value) { return value.opaque<Decision>()->answer(); }

}  // namespace

TypeRef authorizer_type() {
  static const TypeRef kType = type_of("Authorizer");
  return kType;
}
TypeRef resource_check_type() {
  static const TypeRef kType = type_of("ResourceCheck");
  return kType;
}

Value authorizer_value(std::shared_ptr<const AccessOracle> oracle) {
  return check_value(authorizer_type(), std::move(oracle), {});
}
Value resource_check_value(std::shared_ptr<const AccessOracle> oracle, AccessQuestion about) {
  return check_value(resource_check_type(), std::move(oracle), std::move(about));
}

void add_authorizer_library(FunctionTable& table) {
  const std::string prefix = "kubernetes.authorization.";
  const std::string resource = prefix + "ResourceCheck";
  const auto check_cost = [](Args, const Value&) { return kCheckCost; };
  table.add(prefix + "Authorizer.path(string) -> " + prefix + "PathCheck", path_check);
  table.add(prefix + "Authorizer.group(string) -> " + prefix + "GroupCheck", [](Args args) {
    return with<&AccessQuestion::group>(args[0], group_check_type(), *args[1].text());
  });
  table.add(prefix + "Authorizer.serviceAccount(string, string) -> " + prefix + "Authorizer",
            service_account);
  table.add(prefix + "GroupCheck.resource(string) -> " + resource, [](Args args) {
    if (is_blank(*args[1].text())) return Value::fail("resource must not be empty");
    return refined<&AccessQuestion::resource>(args);
  });
  table.add(resource + ".subresource(string) -> " + resource,
            refined<&AccessQuestion::subresource>);
  table.add(resource + ".namespace(string) -> " + resource, refined<&AccessQuestion::namespace_>);
  table.add(resource + ".name(string) -> " + resource, refined<&AccessQuestion::name>);
  table.add(resource + ".fieldSelector(string) -> " + resource,
            refined<&AccessQuestion::field_selector>);
  table.add(resource + ".labelSelector(string) -> " + resource,
            refined<&AccessQuestion::label_selector>);
  table.add(prefix + "PathCheck.check(string) -> " + prefix + "Decision", ask, check_cost);
  table.add(resource + ".check(string) -> " + prefix + "Decision", ask, check_cost);
  table.add(prefix + "Decision.errored() -> bool",
            [](Args args) { return Value::of(!answer_of(args[0]).error.empty()); });
  table.add(prefix + "Decision.error() -> string",
            [](Args args) { return Value::of(answer_of(args[0]).error); });
  table.add(prefix + "Decision.allowed() -> bool",
            [](Args args) { return Value::of(answer_of(args[0]).allowed); });
  table.add(prefix + "Decision.reason() -> string",
            [](Args args) { return Value::of(answer_of(args[0]).reason); });
}

}  // namespace kpp::cel
