#include "cel/program.h"

#include "base/check.h"
#include "cel/checker.h"
#include "cel/constant_checks.h"
#include "cel/parser.h"

namespace kpp::cel {

std::expected<Program, std::string> Program::compile(const Env& env, std::string_view text) {
  const Source source(text);
  Issues issues;
  ExprPtr root = parse(source, issues);
  if (root) check(*root, env, issues);
  if (KPP_BUG_IF(!root && issues.empty(), "an expression was refused without a reason"))
    issues.add(0, "Syntax error: invalid expression");
  if (issues.empty()) check_constants(*root, issues);
  if (!issues.empty()) return std::unexpected(issues.to_string(source));
  return Program(std::shared_ptr<const Expr>(std::move(root)));
}

}  // namespace kpp::cel
