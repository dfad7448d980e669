#include "cel/checker.h"

#include <algorithm>

#include "base/cat.h"
#include "cel/unify.h"

namespace kpp::cel {
namespace {

TypeRef dyn() { return Type::of(Kind::kDyn); }
TypeRef error() { return Type::of(Kind::kError); }

// "a.b.c" of a chain of selections; empty if it is none.
std::string qualified_name(const Expr& expr) {
  if (expr.kind == ExprKind::kIdent) return expr.name;
  if (expr.kind != ExprKind::kSelect || expr.test_only) return "";
  const std::string target = qualified_name(*expr.target);
  return target.empty() ? "" : cat(target, ".", expr.name);
}

bool is_object_name(std::string_view name) {
  return name == "Object" || name.starts_with("Object.");
}

class Checker {
 public:
  Checker(const Env& env, Issues& issues) : env_(env), issues_(issues) {}

  void check_all(Expr& expr) {
    check(expr);
    expr.type = types_.replace(expr.type, true);
  }

 private:
  struct Local {
    const std::string* name;
    TypeRef type;
  };

  void check(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kConst:
        expr.type = expr.constant.type();
        break;
      case ExprKind::kIdent:
        check_ident(expr);
        break;
      case ExprKind::kSelect:
        check_select(expr);
        break;
      case ExprKind::kCall:
        check_call(expr);
        break;
      case ExprKind::kList:
        check_list(expr);
        break;
      case ExprKind::kMap:
        check_map(expr);
        break;
      case ExprKind::kMessage:
        check_message(expr);
        break;
      case ExprKind::kComprehension:
        check_comprehension(expr);
        break;
    }
    expr.type = types_.replace(expr.type, false);
  }

  // A variable or a type; nullptr: neither. Types become constants.
  TypeRef resolve(const std::string& name, Expr& expr) {
    for (auto it = locals_.rbegin(); it != locals_.rend(); ++it) {
      if (*it->name == name) return it->type;
    }
    const auto variable = env_.variables.find(name);
    if (variable != env_.variables.end()) return variable->second;
    const TypeRef type = env_.functions->find_type(name);
    if (!type) return nullptr;
    expr.resolved = true;
    expr.constant = Value::of(type);
    return Type::type(type);
  }

  void undeclared(std::size_t at, const std::string& name) {
    issues_.add(at, cat("undeclared reference to '", name, "' (in container '')"));
  }
  void mismatch(std::size_t at, const TypeRef& wanted, const TypeRef& found) {
    issues_.add(at, cat("expected type '", types_.replace(wanted, false)->display(),
                        "' but found '", types_.replace(found, false)->display(), "'"));
  }

  void check_ident(Expr& expr) {
    expr.type = resolve(expr.name, expr);
    if (expr.type) return;
    undeclared(expr.at, expr.name);
    expr.type = error();
  }

  void check_select(Expr& expr) {
    if (!expr.test_only) {
      const std::string name = qualified_name(expr);
      // A variable named by the first part hides types of that name.
      if (!name.empty() && !is_local(name.substr(0, name.find('.')))) {
        if (TypeRef found = resolve(name, expr)) {
          expr.type = std::move(found);
          if (!expr.resolved) become_variable(expr, name);
          return;
        }
      }
    }
    check(*expr.target);
    expr.type = field_type(expr.at, expr.target->type, expr.name, false);
    if (expr.test_only) expr.type = Type::of(Kind::kBool);
  }

  // "authorizer.requestResource" is one variable whose name has a dot.
  static void become_variable(Expr& expr, const std::string& name) {
    expr.kind = ExprKind::kIdent;
    expr.name = name;
    expr.target = nullptr;
  }

  bool is_local(std::string_view name) const {
    return std::any_of(locals_.begin(), locals_.end(),
                       [name](const Local& local) { return *local.name == name; });
  }

  TypeRef field_type(std::size_t at, TypeRef target, const std::string& field, bool optional) {
    const bool was_optional = target->kind() == Kind::kOptional;
    if (was_optional) target = target->params()[0];
    TypeRef out;
    switch (target->kind()) {
      case Kind::kError:
      case Kind::kDyn:
        out = dyn();
        break;
      case Kind::kParam:
        types_.assign(target, dyn());
        out = dyn();
        break;
      case Kind::kMap:
        out = target->params()[1];
        break;
      case Kind::kStruct:
        out = struct_field(at, *target, field);
        break;
      default:
        issues_.add(at, cat("type '", target->display(), "' does not support field selection"));
        out = error();
    }
    return (was_optional || optional) && out->kind() != Kind::kError ? Type::optional(out) : out;
  }

  TypeRef struct_field(std::size_t at, const Type& type, const std::string& field) {
    if (const auto* fields = env_.structs.find(type.name())) {
      const auto it = fields->find(field);
      if (it != fields->end()) return it->second;
    } else if (env_.any_object && is_object_name(type.name())) {
      return dyn();
    }
    issues_.add(at, cat("undefined field '", field, "'"));
    return error();
  }

  void check_call(Expr& expr) {
    if (expr.name == "_?._") return check_optional_select(expr);
    for (const auto& arg : expr.args) check(*arg);
    if (expr.target) {
      // "sets.contains(...)": a function whose name has dots.
      const std::string name = qualified_name(*expr.target);
      if (!name.empty() && !is_local(name.substr(0, name.find('.')))) {
        if (const Function* function = env_.functions->find(cat(name, ".", expr.name))) {
          expr.target = nullptr;
          return resolve_call(expr, function);
        }
      }
      check(*expr.target);
    }
    const Function* function = env_.functions->find(expr.name);
    if (function == nullptr) {
      undeclared(expr.at, expr.name);
      expr.type = error();
      return;
    }
    resolve_call(expr, function);
  }

  void check_optional_select(Expr& expr) {
    check(*expr.args[0]);
    check(*expr.args[1]);
    expr.type = field_type(expr.at, expr.args[0]->type, *expr.args[1]->constant.text(), true);
    if (expr.type->kind() == Kind::kDyn) expr.type = Type::optional(dyn());
  }

  void resolve_call(Expr& expr, const Function* function) {
    std::vector<TypeRef> args;
    if (expr.target) args.push_back(expr.target->type);
    for (const auto& arg : expr.args) args.push_back(arg->type);
    TypeRef result;
    for (const Overload& overload : function->overloads) {
      if (overload.member != (expr.target != nullptr)) continue;
      const int use = ++uses_;
      std::vector<TypeRef> params;
      for (const TypeRef& each : overload.params) params.push_back(types_.fresh(each, use));
      if (!types_.assign_all(args, params)) continue;
      const TypeRef found = types_.replace(types_.fresh(overload.result, use), false);
      if (!result) {
        result = found;
      } else if (!same_type(*result, *found)) {
        result = dyn();
      }
    }
    expr.function = function;
    if (result) {
      expr.type = result;
      return;
    }
    no_overload(expr, args);
    expr.type = error();
  }

  void no_overload(const Expr& expr, const std::vector<TypeRef>& args) {
    std::string text;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const bool is_target = expr.target && i == 0;
      if (i > (expr.target ? 1U : 0U)) text += ", ";
      text += types_.replace(args[i], true)->display();
      if (is_target) text += ".(";
    }
    issues_.add(expr.at, cat("found no matching overload for '", expr.name, "' applied to '",
                             expr.target ? "" : "(", text, ")'"));
  }

  // The type of an aggregate with one more item.
  TypeRef join(const Expr& item, const TypeRef& before, const TypeRef& type) {
    if (!before) return type;
    if (types_.assign(before, type)) return more_general(before, type);
    mismatch(item.at, before, type);
    return error();
  }
  // The type inside of ?item.
  TypeRef unwrapped(const Expr& item) {
    const TypeRef& type = item.type;
    if (type->kind() == Kind::kOptional) return type->params()[0];
    if (!type->is_dyn_or_error()) mismatch(item.at, Type::optional(type), type);
    return type;
  }

  void check_list(Expr& expr) {
    TypeRef item;
    for (std::size_t i = 0; i < expr.args.size(); ++i) {
      Expr& arg = *expr.args[i];
      check(arg);
      const bool optional = i < expr.optional_args.size() && expr.optional_args[i];
      item = join(arg, item, optional ? unwrapped(arg) : arg.type);
    }
    expr.type = Type::list(item ? item : Type::param(cat("list#", ++uses_)));
  }

  void check_map(Expr& expr) {
    TypeRef key;
    TypeRef value;
    for (Entry& entry : expr.entries) {
      check(*entry.key);
      key = join(*entry.key, key, entry.key->type);
      check(*entry.value);
      value =
          join(*entry.value, value, entry.optional ? unwrapped(*entry.value) : entry.value->type);
    }
    const int use = ++uses_;
    expr.type = Type::map(key ? key : Type::param(cat("key#", use)),
                          value ? value : Type::param(cat("value#", use)));
  }

  void check_message(Expr& expr) {
    const auto* fields = env_.structs.find(expr.name);
    const bool any = env_.any_object && is_object_name(expr.name);
    for (Entry& entry : expr.entries) check(*entry.value);
    if (fields == nullptr && !any) {
      undeclared(expr.at, expr.name);
      expr.type = error();
      return;
    }
    expr.type = Type::object(expr.name);
    for (const Entry& entry : expr.entries) {
      TypeRef wanted = any ? dyn() : struct_field(entry.at, *expr.type, entry.field);
      const TypeRef found = entry.optional ? unwrapped(*entry.value) : entry.value->type;
      if (!types_.assign(found, wanted)) {
        issues_.add(entry.at,
                    cat("expected type of field '", entry.field, "' is '", wanted->display(),
                        "' but provided type is '", types_.replace(found, true)->display(), "'"));
      }
    }
  }

  void check_comprehension(Expr& expr) {
    check(*expr.target);
    check(*expr.init);
    const TypeRef accumulated = expr.init->type;
    const TypeRef range = types_.replace(expr.target->type, false);
    TypeRef first;
    TypeRef second;
    const bool two = !expr.var2.empty();
    switch (range->kind()) {
      case Kind::kList:
        first = two ? Type::of(Kind::kInt) : range->params()[0];
        second = range->params()[0];
        break;
      case Kind::kMap:
        first = range->params()[0];
        second = range->params()[1];
        break;
      case Kind::kDyn:
      case Kind::kError:
      case Kind::kParam:
        types_.assign(range, dyn());
        first = second = dyn();
        break;
      default:
        issues_.add(expr.target->at,
                    cat("expression of type '", range->display(),
                        "' cannot be range of a comprehension (must be list, map, or dynamic)"));
        first = second = error();
    }
    locals_.push_back({&expr.accumulator, accumulated});
    locals_.push_back({&expr.var, first});
    if (two) locals_.push_back({&expr.var2, second});
    check(*expr.condition);
    require(*expr.condition, Type::of(Kind::kBool));
    check(*expr.step);
    require(*expr.step, accumulated);
    locals_.resize(locals_.size() - (two ? 2 : 1));
    check(*expr.result);
    locals_.pop_back();
    expr.type = expr.result->type;
  }

  void require(const Expr& expr, const TypeRef& wanted) {
    if (!types_.assign(expr.type, wanted)) mismatch(expr.at, wanted, expr.type);
  }

  const Env& env_;
  Issues& issues_;
  Substitution types_;
  std::vector<Local> locals_;
  int uses_ = 0;
};

}  // namespace

void check(Expr& expr, const Env& env, Issues& issues) { Checker(env, issues).check_all(expr); }

}  // namespace kpp::cel
