// Optional values.
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

bool is_zero(const Value& value) {
  if (value.is_null()) return true;
  if (const auto* v = value.as<bool>()) return !*v;
  if (const auto* v = value.as<std::int64_t>()) return *v == 0;
  if (const auto* v = value.as<std::uint64_t>()) return *v == 0;
  if (const auto* v = value.as<double>()) return *v == 0;
  if (const auto* v = value.as<Duration>()) return v->nanos == 0;
  if (const auto* v = value.optional()) return !v->has_value();
  return size_of(value) == std::size_t{0};
}

// The values that are there.
Value unwrap(Args args) {
  std::vector<Value> out;
  for (std::size_t i = 0; i < args[0].list()->size(); ++i) {
    const Value item = args[0].list()->at(i);
    const auto* optional = item.optional();
    if (optional == nullptr) return Value::fail("cannot unwrap non-optional value");
    if (*optional) out.push_back(**optional);
  }
  return Value::of(std::move(out));
}

Value edge(const List& list, bool first) {
  if (list.size() == 0) return Value::none();
  return Value::some(list.at(first ? 0 : list.size() - 1));
}

}  // namespace

void add_optional_library(FunctionTable& table) {
  table.add("optional.of(V) -> optional(V)", [](Args args) { return Value::some(args[0]); });
  table.add("optional.ofNonZeroValue(V) -> optional(V)",
            [](Args args) { return is_zero(args[0]) ? Value::none() : Value::some(args[0]); });
  table.add("optional.none() -> optional(V)", [](Args) { return Value::none(); });
  table.add("optional(V).value() -> V", [](Args args) {
    const auto& optional = *args[0].optional();
    return optional ? *optional : Value::fail("optional.none() dereference");
  });
  table.add("optional(V).hasValue() -> bool",
            [](Args args) { return Value::of(args[0].optional()->has_value()); });
  // Evaluated by the evaluator, which leaves out the second operand where it can.
  table.add("optional(V).or(optional(V)) -> optional(V)", nullptr);
  table.add("optional(V).orValue(V) -> V", nullptr);
  table.add("optional.unwrap(list(optional(V))) -> list(V)", unwrap);
  table.add("list(optional(V)).unwrapOpt() -> list(V)", unwrap);
  table.add("list(V).first() -> optional(V)",
            [](Args args) { return edge(*args[0].list(), true); });
  table.add("list(V).last() -> optional(V)",
            [](Args args) { return edge(*args[0].list(), false); });
}

}  // namespace kpp::cel
