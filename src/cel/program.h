// An expression, compiled: what users of this module begin with.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "cel/env.h"
#include "cel/eval.h"

namespace kpp::cel {

// What the original allows one expression to cost, and all expressions of one request together.
inline constexpr std::uint64_t kCallLimit = 1'000'000;
inline constexpr std::uint64_t kRequestLimit = 10'000'000;

// Guarantees: whatever the text, neither compiling nor evaluating it ends the process or runs
// without
//   end.
// Ownership: the environment outlives it.
// Runs on: any thread; immutable.
class Program {
 public:
  // The error is what a user is told: "ERROR: <input>:1:4: Syntax error: ..." with the place below.
  static std::expected<Program, std::string> compile(const Env& env, std::string_view text);

  const TypeRef& output() const { return root_->type; }
  Evaluation evaluate(const Activation& activation, std::uint64_t limit = kCallLimit) const {
    return cel::evaluate(*root_, activation, limit);
  }
  const Expr& root() const { return *root_; }

 private:
  explicit Program(std::shared_ptr<const Expr> root) : root_(std::move(root)) {}
  std::shared_ptr<const Expr> root_;
};

}  // namespace kpp::cel
