#include "cel/macros.h"

#include "cel/nodes.h"

namespace kpp::cel {
namespace {

constexpr const char* kAccumulator = "@result";

ExprPtr accumulator(std::size_t at) { return make_ident(at, kAccumulator); }

// The parts of a comprehension over the target of a call.
struct Fold {
  std::string var, var2;
  ExprPtr init, condition, step, result;
};

ExprPtr make_fold(Expr& call, Fold fold) {
  auto out = std::make_unique<Expr>();
  out->kind = ExprKind::kComprehension;
  out->at = call.at;
  out->target = std::move(call.target);
  out->var = std::move(fold.var);
  out->var2 = std::move(fold.var2);
  out->accumulator = kAccumulator;
  out->init = std::move(fold.init);
  out->condition = std::move(fold.condition);
  out->step = std::move(fold.step);
  out->result = std::move(fold.result);
  for (const ExprPtr* part : {&out->init, &out->condition, &out->step, &out->result})
    set_depth(**part);
  set_depth(*out);
  return out;
}

ExprPtr call_of(std::size_t at, std::string name, ExprPtr a, ExprPtr b) {
  auto out = make_call(at, std::move(name), std::move(a), std::move(b));
  set_depth(*out);
  return out;
}

ExprPtr if_then(std::size_t at, ExprPtr condition, ExprPtr yes, ExprPtr no) {
  auto out = make_call(at, "_?_:_", std::move(condition), std::move(yes), std::move(no));
  set_depth(*out);
  return out;
}

ExprPtr append_item(std::size_t at, ExprPtr item) {
  std::vector<ExprPtr> items;
  items.push_back(std::move(item));
  auto list = make_list(at, std::move(items));
  set_depth(*list);
  auto out = call_of(at, "_+_", accumulator(at), std::move(list));
  out->appends = true;
  return out;
}

// The names of iteration variables that begin the arguments.
bool take_variables(Expr& call, std::size_t count, Fold& fold, Issues& issues) {
  for (std::size_t i = 0; i < count; ++i) {
    const Expr& arg = *call.args[i];
    if (arg.kind != ExprKind::kIdent) {
      issues.add(arg.at, "argument must be a simple name");
      return false;
    }
    if (arg.name == kAccumulator) {
      issues.add(arg.at, "iteration variable overwrites accumulator variable");
      return false;
    }
    (i == 0 ? fold.var : fold.var2) = arg.name;
  }
  if (count == 2 && fold.var == fold.var2) {
    issues.add(call.args[1]->at, "duplicate variable name: " + fold.var);
    return false;
  }
  call.args.erase(call.args.begin(), call.args.begin() + static_cast<std::ptrdiff_t>(count));
  return true;
}

enum class Quantifier : std::uint8_t { kAll, kExists, kExistsOne };

ExprPtr quantify(Expr& call, Quantifier what, std::size_t variables, Issues& issues) {
  Fold fold;
  if (!take_variables(call, variables, fold, issues)) return nullptr;
  const std::size_t at = call.at;
  ExprPtr predicate = std::move(call.args[0]);
  fold.result = accumulator(at);
  if (what == Quantifier::kAll) {
    fold.init = make_const(at, Value::of(true));
    fold.condition = make_call(at, "@not_strictly_false", accumulator(at));
    fold.step = call_of(at, "_&&_", accumulator(at), std::move(predicate));
  } else if (what == Quantifier::kExists) {
    fold.init = make_const(at, Value::of(false));
    fold.condition = make_call(at, "@not_strictly_false", make_call(at, "!_", accumulator(at)));
    fold.step = call_of(at, "_||_", accumulator(at), std::move(predicate));
  } else {
    fold.init = make_const(at, Value::of(0));
    fold.condition = make_const(at, Value::of(true));
    fold.step =
        if_then(at, std::move(predicate),
                call_of(at, "_+_", accumulator(at), make_const(at, Value::of(1))), accumulator(at));
    fold.result = call_of(at, "_==_", accumulator(at), make_const(at, Value::of(1)));
  }
  return make_fold(call, std::move(fold));
}

// map, filter, transformList: lists made of the range's items.
ExprPtr collect(Expr& call, std::size_t variables, bool filters_only, Issues& issues) {
  Fold fold;
  if (!take_variables(call, variables, fold, issues)) return nullptr;
  const std::size_t at = call.at;
  fold.init = make_list(at, {});
  fold.condition = make_const(at, Value::of(true));
  fold.result = accumulator(at);
  ExprPtr item = filters_only ? make_ident(at, fold.var) : std::move(call.args.back());
  fold.step = append_item(at, std::move(item));
  if (filters_only || call.args.size() == 2)
    fold.step = if_then(at, std::move(call.args[0]), std::move(fold.step), accumulator(at));
  return make_fold(call, std::move(fold));
}

// transformMap, transformMapEntry: maps made of the range's items.
ExprPtr collect_map(Expr& call, bool whole_entries, Issues& issues) {
  Fold fold;
  if (!take_variables(call, 2, fold, issues)) return nullptr;
  const std::size_t at = call.at;
  auto empty = std::make_unique<Expr>();
  empty->kind = ExprKind::kMap;
  empty->at = at;
  fold.init = std::move(empty);
  fold.condition = make_const(at, Value::of(true));
  fold.result = accumulator(at);
  fold.step = whole_entries
                  ? make_call(at, "cel.@mapInsert", accumulator(at), std::move(call.args.back()))
                  : make_call(at, "cel.@mapInsert", accumulator(at), make_ident(at, fold.var),
                              std::move(call.args.back()));
  set_depth(*fold.step);
  if (call.args.size() == 2)
    fold.step = if_then(at, std::move(call.args[0]), std::move(fold.step), accumulator(at));
  return make_fold(call, std::move(fold));
}

// `result` with a name bound to a value.
ExprPtr bind(std::size_t at, std::string name, ExprPtr value, ExprPtr result) {
  auto out = std::make_unique<Expr>();
  out->kind = ExprKind::kComprehension;
  out->at = at;
  out->target = make_list(at, {});
  out->var = "#unused";
  out->init = std::move(value);
  out->condition = make_const(at, Value::of(false));
  out->step = make_ident(at, name);
  out->accumulator = std::move(name);
  out->result = std::move(result);
  set_depth(*out);
  return out;
}

ExprPtr call_on(std::size_t at, const char* name, ExprPtr target) {
  auto out = make_call(at, name);
  out->target = std::move(target);
  set_depth(*out);
  return out;
}

// x.optMap(v, e): e of the value if there is one.
ExprPtr map_optional(Expr& call, bool flat, Issues& issues) {
  constexpr const char* kOptional = "@optional";
  Fold names;
  const std::size_t at = call.at;
  if (!take_variables(call, 1, names, issues)) return nullptr;
  ExprPtr mapped =
      bind(at, names.var, call_on(at, "value", make_ident(at, kOptional)), std::move(call.args[0]));
  if (!flat) {
    mapped = make_call(at, "optional.of", std::move(mapped));
    set_depth(*mapped);
  }
  return bind(at, kOptional, std::move(call.target),
              if_then(at, call_on(at, "hasValue", make_ident(at, kOptional)), std::move(mapped),
                      make_call(at, "optional.none")));
}

ExprPtr expand_has(ExprPtr call, Issues& issues) {
  Expr& arg = *call->args[0];
  if (arg.kind != ExprKind::kSelect || arg.test_only) {
    issues.add(arg.at, "invalid argument to has() macro");
    return nullptr;
  }
  arg.test_only = true;
  arg.at = call->at;
  return std::move(call->args[0]);
}

}  // namespace

ExprPtr expand_macro(ExprPtr call, Issues& issues) {
  const std::string& name = call->name;
  const std::size_t args = call->args.size();
  if (!call->target) {
    if (name == "has" && args == 1) return expand_has(std::move(call), issues);
    return call;
  }
  const bool one = name == "exists_one" || name == "existsOne";
  if (args == 2 || args == 3) {
    const std::size_t variables = args - 1;
    if (name == "all") return quantify(*call, Quantifier::kAll, variables, issues);
    if (name == "exists") return quantify(*call, Quantifier::kExists, variables, issues);
    if (one) return quantify(*call, Quantifier::kExistsOne, variables, issues);
    if (name == "map") return collect(*call, 1, false, issues);
  }
  if (name == "filter" && args == 2) return collect(*call, 1, true, issues);
  if (args == 3 || args == 4) {
    if (name == "transformList") return collect(*call, 2, false, issues);
    if (name == "transformMap") return collect_map(*call, false, issues);
    if (name == "transformMapEntry") return collect_map(*call, true, issues);
  }
  if (args == 2 && name == "optMap") return map_optional(*call, false, issues);
  if (args == 2 && name == "optFlatMap") return map_optional(*call, true, issues);
  return call;
}

}  // namespace kpp::cel
