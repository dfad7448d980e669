// The tree of an expression.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cel/types.h"
#include "cel/value.h"

namespace kpp::cel {

struct Function;
struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Entry {
  std::size_t at = 0;
  ExprPtr key;        // maps
  std::string field;  // messages
  ExprPtr value;
  bool optional = false;
};

enum class ExprKind : std::uint8_t {
  kConst,
  kIdent,
  kSelect,
  kCall,
  kList,
  kMap,
  kMessage,
  kComprehension,
};

// One node. What the checker finds out is kept in it: type, constant, function.
struct Expr {
  ExprKind kind = ExprKind::kConst;
  std::size_t at = 0;  // place in the source, for messages
  int depth = 1;

  Value constant;          // kConst; also an identifier that the checker resolved to a type
  bool resolved = false;   // constant is the value, whatever the kind
  std::string name;        // identifier, field, function, message
  ExprPtr target;          // select; member call
  bool test_only = false;  // has(a.b)
  bool appends = false;    // a call of _+_ that adds one item to the accumulator of a macro
  std::vector<ExprPtr> args;
  std::vector<bool> optional_args;  // list items given as ?x
  std::vector<Entry> entries;       // maps, messages

  // comprehension: target is the range
  std::string var, var2, accumulator;
  ExprPtr init, condition, step, result;

  TypeRef type;                        // set by the checker
  const Function* function = nullptr;  // calls
};

// Calls `look` with each child.
template <class Look>
void for_each_child(const Expr& expr, const Look& look) {
  const auto see = [&look](const ExprPtr& child) {
    if (child) look(std::as_const(*child));
  };
  see(expr.target);
  for (const auto& arg : expr.args) see(arg);
  for (const auto& entry : expr.entries) {
    see(entry.key);
    see(entry.value);
  }
  see(expr.init);
  see(expr.condition);
  see(expr.step);
  see(expr.result);
}

}  // namespace kpp::cel
