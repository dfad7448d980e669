// Making of nodes, for the parser and the macros.
#pragma once

#include "cel/ast.h"

namespace kpp::cel {

ExprPtr make_const(std::size_t at, Value value);
ExprPtr make_ident(std::size_t at, std::string name);
ExprPtr make_select(std::size_t at, ExprPtr target, std::string field);
ExprPtr make_list(std::size_t at, std::vector<ExprPtr> items);
template <class... Args>
ExprPtr make_call(std::size_t at, std::string name, Args... args) {
  auto out = std::make_unique<Expr>();
  out->kind = ExprKind::kCall;
  out->at = at;
  out->name = std::move(name);
  (out->args.push_back(std::move(args)), ...);
  return out;
}
// One more than that of the deepest child.
void set_depth(Expr& expr);

}  // namespace kpp::cel
