#include "cel/eval.h"

#include <cmath>

#include "base/cat.h"
#include "cel/functions.h"

namespace kpp::cel {
namespace {

constexpr std::uint64_t kSelectCost = 1;
constexpr std::uint64_t kListCost = 10;
constexpr std::uint64_t kMapCost = 30;
constexpr std::uint64_t kMessageCost = 40;

Value no_overload() { return Value::fail("no such overload"); }

std::string key_text(const Value& key) {
  if (const auto* text = key.text()) return *text;
  if (const auto* v = key.as<std::int64_t>()) return cat(*v);
  if (const auto* v = key.as<std::uint64_t>()) return cat(*v);
  if (const auto* v = key.as<double>()) return cat(*v);
  if (const auto* v = key.as<bool>()) return cat(*v);
  return key.type_name();
}

Value no_such_key(const Value& key) { return Value::fail("no such key: " + key_text(key)); }

// A place in a list; nullopt if the value is no whole number.
std::optional<std::int64_t> list_index(const Value& key) {
  if (const auto* v = key.as<std::int64_t>()) return *v;
  if (const auto* v = key.as<std::uint64_t>()) {
    return *v > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(*v);
  }
  if (const auto* v = key.as<double>();
      v != nullptr && std::floor(*v) == *v && std::fabs(*v) < 9e18)
    return static_cast<std::int64_t>(*v);
  return std::nullopt;
}

// The member or item of a value; nullopt if there is none of that key. Failures are values.
std::optional<Value> look_up(const Value& target, const Value& key) {
  if (const Map* map = target.map()) return map->find(key);
  if (const List* list = target.list()) {
    const auto index = list_index(key);
    if (!index) return Value::fail(cat("unsupported index type '", key.type_name(), "' in list"));
    if (*index < 0 || static_cast<std::size_t>(*index) >= list->size()) return std::nullopt;
    return list->at(static_cast<std::size_t>(*index));
  }
  return std::nullopt;
}

bool is_operator(std::string_view name) { return name.starts_with('_') || name.ends_with('_'); }

Value no_function(const Function& function, Args args) {
  if (is_operator(function.name) || function.name == "@in") {
    for (const Overload& overload : function.overloads) {
      if (accepts(*overload.params[0], args[0])) return no_overload();
    }
    return Value::fail("no such overload: " + function.name);
  }
  std::string types;
  for (const Value& arg : args) types += (types.empty() ? "" : ", ") + arg.type_name();
  return Value::fail(cat("no such overload: ", function.name, "(", types, ")"));
}

class Evaluator {
 public:
  Evaluator(const Activation& activation, std::uint64_t limit)
      : activation_(activation), limit_(limit) {}

  Evaluation run(const Expr& expr) {
    Evaluation out;
    out.value = eval(expr);
    out.cost = cost_;
    out.out_of_budget = cost_ > limit_;
    if (out.out_of_budget)
      out.value = Value::fail("operation cancelled: actual cost limit exceeded");
    return out;
  }

 private:
  struct Local {
    const std::string* name;
    Value value;
  };

  bool spent() const { return cost_ > limit_; }
  static Value stopped() { return Value::fail("actual cost limit exceeded"); }

  Value eval(const Expr& expr) {
    if (spent()) return stopped();
    if (expr.resolved) return expr.constant;
    switch (expr.kind) {
      case ExprKind::kConst:
        return expr.constant;
      case ExprKind::kIdent:
        return ident(expr);
      case ExprKind::kSelect:
        return select(expr);
      case ExprKind::kCall:
        return call(expr);
      case ExprKind::kList:
        return list(expr);
      case ExprKind::kMap:
        return map(expr);
      case ExprKind::kMessage:
        return message(expr);
      case ExprKind::kComprehension:
        return comprehension(expr);
    }
    return no_overload();
  }

  Local* find_local(const std::string& name) {
    for (auto it = locals_.rbegin(); it != locals_.rend(); ++it) {
      if (*it->name == name) return &*it;
    }
    return nullptr;
  }

  Value ident(const Expr& expr) {
    cost_ += kSelectCost;
    if (const Local* local = find_local(expr.name)) return local->value;
    if (auto value = activation_.find(expr.name)) return std::move(*value);
    return Value::fail("no such attribute(s): " + expr.name);
  }

  Value select(const Expr& expr) {
    const Value target = eval(*expr.target);
    if (target.is_failure()) return target;
    if (!expr.test_only) {
      cost_ += kSelectCost;
      return member(target, Value::of(expr.name));
    }
    if (const auto* optional = target.optional()) {
      if (!*optional) return Value::of(false);
      return presence(look_up(**optional, Value::of(expr.name)));
    }
    return presence(look_up(target, Value::of(expr.name)));
  }
  static Value presence(std::optional<Value> found) {
    if (found && found->is_failure()) return std::move(*found);
    return Value::of(found.has_value());
  }

  // target.key or target[key], also through an optional value.
  static Value member(const Value& target, const Value& key) {
    if (target.optional() != nullptr) return optional_member(target, key);
    if (auto found = look_up(target, key)) return std::move(*found);
    if (target.list() != nullptr) return Value::fail("index out of bounds: " + key_text(key));
    return no_such_key(key);
  }
  static Value optional_member(const Value& target, const Value& key) {
    const Value* from = &target;
    if (const auto* optional = target.optional()) {
      if (!*optional) return target;
      from = &**optional;
    }
    auto found = look_up(*from, key);
    if (!found) return Value::none();
    return found->is_failure() ? std::move(*found) : Value::some(std::move(*found));
  }

  Value call(const Expr& expr) {
    const std::string& name = expr.name;
    if (name == "_&&_") return logical(expr, false);
    if (name == "_||_") return logical(expr, true);
    if (name == "_?:_" || name == "_?_:_") return conditional(expr);
    if (name == "@not_strictly_false") {
      const Value value = eval(*expr.args[0]);
      const auto* b = value.as<bool>();
      return Value::of(b == nullptr || *b);
    }
    if (expr.appends) return append(expr);
    if (name == "_[_]" || name == "_[?_]" || name == "_?._") return index(expr);
    if (expr.target && expr.args.size() == 1 && (name == "or" || name == "orValue")) {
      const Value target = eval(*expr.target);
      if (target.is_failure()) return target;
      if (const auto* optional = target.optional()) {
        cost_ += 1;
        if (*optional) return name == "or" ? target : **optional;
        return eval(*expr.args[0]);
      }
      return no_overload();
    }
    return invoke(expr);
  }

  Value logical(const Expr& expr, bool decides) {
    Value left = eval(*expr.args[0]);
    const auto* l = left.as<bool>();
    if (l != nullptr && *l == decides) return left;
    Value right = eval(*expr.args[1]);
    const auto* r = right.as<bool>();
    if (r != nullptr && *r == decides) return right;
    if (l != nullptr && r != nullptr) return right;
    if (left.is_failure()) return left;
    if (right.is_failure()) return right;
    return no_overload();
  }

  Value conditional(const Expr& expr) {
    Value condition = eval(*expr.args[0]);
    const auto* b = condition.as<bool>();
    if (b == nullptr) return condition.is_failure() ? condition : no_overload();
    return eval(*expr.args[*b ? 1 : 2]);
  }

  Value index(const Expr& expr) {
    const Value target = eval(*expr.args[0]);
    if (target.is_failure()) return target;
    const Value key = eval(*expr.args[1]);
    if (key.is_failure()) return key;
    cost_ += kSelectCost;
    return expr.name == "_[_]" ? member(target, key) : optional_member(target, key);
  }

  Value invoke(const Expr& expr) {
    std::vector<Value> args;
    args.reserve(expr.args.size() + 1);
    if (expr.target) args.push_back(eval(*expr.target));
    for (const auto& arg : expr.args) args.push_back(eval(*arg));
    for (Value& arg : args) {
      if (arg.is_failure()) return std::move(arg);
    }
    for (const Overload& overload : expr.function->overloads) {
      if (overload.call == nullptr || overload.member != (expr.target != nullptr) ||
          overload.params.size() != args.size())
        continue;
      bool fits = true;
      for (std::size_t i = 0; fits && i < args.size(); ++i)
        fits = accepts(*overload.params[i], args[i]);
      if (!fits) continue;
      Value out = overload.call(args);
      cost_ += overload.cost != nullptr ? overload.cost(args, out) : 1;
      return out;
    }
    return no_function(*expr.function, args);
  }

  // accumulator + [item], without a copy of what there is.
  Value append(const Expr& expr) {
    const Expr& list_expr = *expr.args[1];
    Value item = eval(*list_expr.args[0]);
    if (item.is_failure()) return item;
    cost_ += kListCost + 2 * kSelectCost;
    Local* local = find_local(expr.args[0]->name);
    if (local == nullptr || local->value.list() == nullptr) return no_overload();
    std::shared_ptr<const List> held = *local->value.as<std::shared_ptr<const List>>();
    local->value = Value();
    const auto* items = dynamic_cast<const ValueList*>(held.get());
    if (items != nullptr && held.use_count() == 1) {
      // Nobody else sees the list: it was made for this comprehension.
      const_cast<ValueList*>(items)->add(std::move(item));
      return Value::of(std::move(held));
    }
    std::vector<Value> copy;
    for (std::size_t i = 0; i < held->size(); ++i) copy.push_back(held->at(i));
    copy.push_back(std::move(item));
    return Value::of(std::move(copy));
  }

  // An item given as ?x: nullopt if it is left out.
  static std::optional<Value> given(Value value, bool optional) {
    if (!optional || value.is_failure()) return value;
    const auto* inner = value.optional();
    if (inner == nullptr)
      return Value::fail(cat("cannot initialize optional entry from non-optional value"));
    if (!*inner) return std::nullopt;
    return **inner;
  }

  Value list(const Expr& expr) {
    std::vector<Value> items;
    bool constant = true;
    for (std::size_t i = 0; i < expr.args.size(); ++i) {
      constant = constant && expr.args[i]->kind == ExprKind::kConst;
      const bool optional = i < expr.optional_args.size() && expr.optional_args[i];
      auto item = given(eval(*expr.args[i]), optional);
      if (!item) continue;
      if (item->is_failure()) return std::move(*item);
      items.push_back(std::move(*item));
    }
    if (!constant || expr.args.empty()) cost_ += kListCost;
    return Value::of(std::move(items));
  }

  Value map(const Expr& expr) {
    cost_ += kMapCost;
    auto out = std::make_shared<ValueMap>();
    for (const Entry& entry : expr.entries) {
      const Value key = eval(*entry.key);
      if (key.is_failure()) return key;
      auto value = given(eval(*entry.value), entry.optional);
      if (!value) continue;
      if (value->is_failure()) return std::move(*value);
      if (!out->add(key, std::move(*value))) return Value::fail("Failed with repeated key");
    }
    return Value::of(std::shared_ptr<const Map>(std::move(out)));
  }

  Value message(const Expr& expr) {
    cost_ += kMessageCost;
    auto out = std::make_shared<ValueMap>(Type::object(expr.name));
    for (const Entry& entry : expr.entries) {
      auto value = given(eval(*entry.value), entry.optional);
      if (!value) continue;
      if (value->is_failure()) return std::move(*value);
      out->add(Value::of(entry.field), std::move(*value));
    }
    return Value::of(std::shared_ptr<const Map>(std::move(out)));
  }

  Value comprehension(const Expr& expr) {
    const Value range = eval(*expr.target);
    if (range.is_failure()) return range;
    const List* list = range.list();
    const Map* map = range.map();
    if (list == nullptr && map == nullptr)
      return Value::fail("got '" + range.type_name() + "', expected iterable type");
    const std::size_t size = list != nullptr ? list->size() : map->size();
    const bool two = !expr.var2.empty();
    const std::size_t base = locals_.size();
    Value init = eval(*expr.init);
    locals_.push_back({&expr.accumulator, std::move(init)});
    for (std::size_t i = 0; i < size && !spent(); ++i) {
      locals_.push_back({&expr.var, first(list, map, i, two)});
      if (two) locals_.push_back({&expr.var2, second(list, map, i)});
      const Value go_on = eval(*expr.condition);
      const auto* yes = go_on.as<bool>();
      const bool stop = yes == nullptr || !*yes;
      Value next = stop ? Value() : eval(*expr.step);
      locals_.resize(base + 1);
      if (stop) break;
      cost_ += 1;
      locals_.back().value = std::move(next);
    }
    Value out = spent() ? stopped() : eval(*expr.result);
    locals_.resize(base);
    return out;
  }
  static Value first(const List* list, const Map* map, std::size_t i, bool two) {
    if (list == nullptr) return map->key_at(i);
    return two ? Value::of(static_cast<std::int64_t>(i)) : list->at(i);
  }
  static Value second(const List* list, const Map* map, std::size_t i) {
    return list != nullptr ? list->at(i) : map->value_at(i);
  }

  const Activation& activation_;
  std::uint64_t limit_;
  std::uint64_t cost_ = 0;
  std::vector<Local> locals_;
};

}  // namespace

Evaluation evaluate(const Expr& expr, const Activation& activation, std::uint64_t limit) {
  return Evaluator(activation, limit).run(expr);
}

}  // namespace kpp::cel
