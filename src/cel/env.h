// What an expression may refer to.
#pragma once

#include <map>
#include <string>

#include "cel/functions.h"
#include "cel/types.h"

namespace kpp::cel {

// Outlives the programs that are compiled in it. Immutable then; thread-safe.
struct Env {
  std::map<std::string, TypeRef, std::less<>> variables;
  StructTable structs;
  bool any_object = false;  // there are messages Object, Object.x, ... with members of any name
  const FunctionTable* functions = &standard_functions();
};

}  // namespace kpp::cel
