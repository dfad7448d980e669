// Lists: order, sums, places.
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

Value is_sorted(Args args) {
  const List& list = *args[0].list();
  for (std::size_t i = 1; i < list.size(); ++i) {
    const auto order = compare(list.at(i - 1), list.at(i));
    if (!order) return Value::fail("no such overload");
    if (*order > 0) return Value::of(false);
  }
  return Value::of(true);
}

template <int kWanted>
Value extreme(Args args) {
  const List& list = *args[0].list();
  if (list.size() == 0)
    return Value::fail(kWanted < 0 ? "min called on empty list" : "max called on empty list");
  Value out = list.at(0);
  for (std::size_t i = 1; i < list.size(); ++i) {
    const Value item = list.at(i);
    const auto order = compare(item, out);
    if (!order) return Value::fail("no such overload");
    if (*order == kWanted) out = item;
  }
  return out;
}

Value sum(Args args) {
  const List& list = *args[0].list();
  static const Function* const kPlus = standard_functions().find("_+_");
  if (list.size() == 0) return Value::of(0);
  Value out = list.at(0);
  for (std::size_t i = 1; i < list.size(); ++i) {
    const Value pair[] = {out, list.at(i)};
    const Overload* plus = nullptr;
    for (const Overload& each : kPlus->overloads) {
      if (accepts(*each.params[0], pair[0]) && accepts(*each.params[1], pair[1])) {
        plus = &each;
        break;
      }
    }
    if (plus == nullptr || pair[0].text() != nullptr || pair[0].list() != nullptr)
      return Value::fail("no such overload");
    out = plus->call(pair);
    if (out.is_failure()) return out;
  }
  return out;
}

template <bool kLast>
Value place(Args args) {
  const List& list = *args[0].list();
  std::int64_t out = -1;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!equal(list.at(i), args[1])) continue;
    out = static_cast<std::int64_t>(i);
    if (!kLast) break;
  }
  return Value::of(out);
}

}  // namespace

void add_list_library(FunctionTable& table) {
  for (const std::string type :
       {"int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"}) {
    const std::string list = "list(" + type + ")";
    table.add(list + ".isSorted() -> bool", is_sorted, cost_items_of_first);
    table.add(list + ".min() -> " + type, extreme<-1>, cost_items_of_first);
    table.add(list + ".max() -> " + type, extreme<1>, cost_items_of_first);
  }
  for (const std::string type : {"int", "uint", "double", "duration"})
    table.add("list(" + type + ").sum() -> " + type, sum, cost_items_of_first);
  table.add("list(T).indexOf(T) -> int", place<false>, cost_items_of_first);
  table.add("list(T).lastIndexOf(T) -> int", place<true>, cost_items_of_first);
}

}  // namespace kpp::cel
