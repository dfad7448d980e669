// Text to tree, macros expanded.
#pragma once

#include "cel/ast.h"
#include "cel/source.h"

namespace kpp::cel {

inline constexpr int kDeepestExpression = 250;
inline constexpr std::size_t kLongestExpression = 100000;

// nullptr if something is wrong; the issues say what. Depth and length are limited.
ExprPtr parse(const Source& source, Issues& issues);

}  // namespace kpp::cel
