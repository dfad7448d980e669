#include "cel/nodes.h"

#include <algorithm>

namespace kpp::cel {

ExprPtr make_const(std::size_t at, Value value) {
  auto out = std::make_unique<Expr>();
  out->at = at;
  out->constant = std::move(value);
  return out;
}

ExprPtr make_ident(std::size_t at, std::string name) {
  auto out = std::make_unique<Expr>();
  out->kind = ExprKind::kIdent;
  out->at = at;
  out->name = std::move(name);
  return out;
}

ExprPtr make_select(std::size_t at, ExprPtr target, std::string field) {
  auto out = std::make_unique<Expr>();
  out->kind = ExprKind::kSelect;
  out->at = at;
  out->target = std::move(target);
  out->name = std::move(field);
  return out;
}

ExprPtr make_list(std::size_t at, std::vector<ExprPtr> items) {
  auto out = std::make_unique<Expr>();
  out->kind = ExprKind::kList;
  out->at = at;
  out->args = std::move(items);
  return out;
}

void set_depth(Expr& expr) {
  int deepest = 0;
  for_each_child(expr, [&deepest](const Expr& child) { deepest = std::max(deepest, child.depth); });
  expr.depth = deepest + 1;
}

}  // namespace kpp::cel
