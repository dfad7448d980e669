#include "cel/lib/costs.h"

#include <algorithm>

namespace kpp::cel {

std::uint64_t cost_size(const Value& value) { return size_of(value).value_or(1); }
std::uint64_t walk(std::uint64_t size) { return (size + 9) / 10; }

std::uint64_t cost_walk_first(Args args, const Value&) { return walk(cost_size(args[0])); }
std::uint64_t cost_items_of_first(Args args, const Value&) {
  return std::max<std::uint64_t>(1, cost_size(args[0]));
}
std::uint64_t cost_items_of_last(Args args, const Value&) { return cost_size(args.back()); }
std::uint64_t cost_shorter(Args args, const Value&) {
  return walk(std::min(cost_size(args[0]), cost_size(args[1])));
}
std::uint64_t cost_both(Args args, const Value&) {
  return walk(cost_size(args[0]) + cost_size(args[1]));
}
std::uint64_t cost_contains(Args args, const Value&) {
  return walk(cost_size(args[0])) * walk(cost_size(args[1]));
}
std::uint64_t cost_regex(Args args, const Value&) {
  return walk(cost_size(args[0]) + 1) * ((cost_size(args[1]) + 3) / 4);
}
std::uint64_t cost_product(Args args, const Value&) {
  return 1 + cost_size(args[0]) * cost_size(args[1]);
}

}  // namespace kpp::cel
