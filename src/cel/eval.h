// Evaluation of a checked tree.
#pragma once

#include <cstdint>
#include <string_view>

#include "cel/ast.h"

namespace kpp::cel {

// The values of an expression's variables.
class Activation {
 public:
  virtual ~Activation() = default;
  virtual std::optional<Value> find(std::string_view name) const = 0;
};

struct Evaluation {
  Value value;  // may be a failure
  std::uint64_t cost = 0;
  bool out_of_budget = false;  // the value is a failure that says so
};

// Guarantees: ends, after about `limit` steps at the latest.
Evaluation evaluate(const Expr& expr, const Activation& activation, std::uint64_t limit);

}  // namespace kpp::cel
