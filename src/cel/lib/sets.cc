// Lists as sets.
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

bool has(const List& list, const Value& item) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (equal(list.at(i), item)) return true;
  }
  return false;
}

bool contains_all(const List& all, const List& some) {
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (!has(all, some.at(i))) return false;
  }
  return true;
}

}  // namespace

void add_set_library(FunctionTable& table) {
  table.add(
      "sets.contains(list(T), list(T)) -> bool",
      [](Args args) { return Value::of(contains_all(*args[0].list(), *args[1].list())); },
      cost_product);
  table.add(
      "sets.equivalent(list(T), list(T)) -> bool",
      [](Args args) {
        return Value::of(contains_all(*args[0].list(), *args[1].list()) &&
                         contains_all(*args[1].list(), *args[0].list()));
      },
      cost_product);
  table.add(
      "sets.intersects(list(T), list(T)) -> bool",
      [](Args args) {
        const List& list = *args[0].list();
        for (std::size_t i = 0; i < list.size(); ++i) {
          if (has(*args[1].list(), list.at(i))) return Value::of(true);
        }
        return Value::of(false);
      },
      cost_product);
}

}  // namespace kpp::cel
