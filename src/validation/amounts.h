// Quantities as numbers, to compare them.
#pragma once

#include "api/quantity.h"

namespace kpp::validation {

inline api::Amount amount_of(const api::Quantity& quantity) { return api::Amount::from(quantity); }
inline bool is_whole(const api::Amount& amount) {
  return amount == api::Amount::of(amount.value());
}

}  // namespace kpp::validation
