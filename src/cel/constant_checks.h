// What can be said of constant arguments before anything is evaluated.
#pragma once

#include "cel/ast.h"
#include "cel/source.h"

namespace kpp::cel {

// Durations, times and regular expressions given as constants must be such.
void check_constants(const Expr& expr, Issues& issues);

}  // namespace kpp::cel
