// Types of an expression.
#pragma once

#include "cel/ast.h"
#include "cel/env.h"
#include "cel/source.h"

namespace kpp::cel {

// Sets types, functions and constants in the tree. Issues say what does not fit.
void check(Expr& expr, const Env& env, Issues& issues);

}  // namespace kpp::cel
