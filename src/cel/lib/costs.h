// What calls cost at run time, by the size of what they walk through.
#pragma once

#include "cel/functions.h"

namespace kpp::cel {

// The size of a text or a collection; 1 for all else.
std::uint64_t cost_size(const Value& value);
// A tenth of a size, rounded up.
std::uint64_t walk(std::uint64_t size);

std::uint64_t cost_walk_first(Args args, const Value& result);
std::uint64_t cost_items_of_first(Args args, const Value& result);
std::uint64_t cost_items_of_last(Args args, const Value& result);
std::uint64_t cost_shorter(Args args, const Value& result);
std::uint64_t cost_both(Args args, const Value& result);
std::uint64_t cost_contains(Args args, const Value& result);
std::uint64_t cost_regex(Args args, const Value& result);
std::uint64_t cost_product(Args args, const Value& result);

}  // namespace kpp::cel
