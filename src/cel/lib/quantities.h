// Quantities ("100m", "1Gi") as values.
#pragma once

#include "api/quantity.h"
#include "cel/value.h"

namespace kpp::cel {

Value quantity_value(const api::Amount& amount);

}  // namespace kpp::cel
