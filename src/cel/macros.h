// Macros: calls that are another expression in short.
#pragma once

#include "cel/ast.h"
#include "cel/source.h"

namespace kpp::cel {

// What a call stands for: the call itself if it is no macro; nullptr if it is one with wrong
// arguments (reported).
ExprPtr expand_macro(ExprPtr call, Issues& issues);

}  // namespace kpp::cel
