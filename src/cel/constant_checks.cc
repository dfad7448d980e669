#include "cel/constant_checks.h"

#include <re2/re2.h>

#include "base/cat.h"
#include "cel/time_text.h"

namespace kpp::cel {
namespace {

bool is_regex(const std::string& text) {
  RE2::Options options;
  options.set_log_errors(false);
  return RE2(text, options).ok();
}

void check_call(const Expr& expr, Issues& issues) {
  const bool global = !expr.target;
  const std::size_t wanted = expr.name == "matches" && global ? 2 : 1;
  if (expr.args.size() != wanted) return;
  const Expr& arg = *expr.args.back();
  const std::string* text = arg.kind == ExprKind::kConst ? arg.constant.text() : nullptr;
  if (text == nullptr) return;
  const bool wrong = (expr.name == "duration" && global && !parse_duration(*text)) ||
                     (expr.name == "timestamp" && global && !parse_timestamp(*text)) ||
                     (expr.name == "matches" && !is_regex(*text));
  if (wrong) issues.add(arg.at, cat("invalid ", expr.name, " argument"));
}

}  // namespace

void check_constants(const Expr& expr, Issues& issues) {
  if (expr.kind == ExprKind::kCall) check_call(expr, issues);
  for_each_child(expr, [&issues](const Expr& child) { check_constants(child, issues); });
}

}  // namespace kpp::cel
