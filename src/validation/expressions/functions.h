// The functions that expressions of the API may call: the language's, and those that know the API's
// formats.
#pragma once

#include "cel/functions.h"

namespace kpp::validation {

const cel::FunctionTable& expression_functions();

}  // namespace kpp::validation
