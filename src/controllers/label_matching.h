// Label selectors of objects against labels.
#pragma once

#include <map>
#include <string>

#include "api/metav1.h"

namespace kpp::controllers {

using Labels = std::map<std::string, std::string>;

// An empty selector selects everything; one that is not valid nothing.
bool selects(const metav1::LabelSelector& selector, const Labels& labels);
bool is_empty(const metav1::LabelSelector& selector);
// All pairs of `wanted` stand in `labels`.
bool contains(const Labels& labels, const Labels& wanted);

}  // namespace kpp::controllers
