#include "controllers/label_matching.h"

#include <algorithm>

#include "api/selectors.h"

namespace kpp::controllers {

bool contains(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
    const auto it = labels.find(pair.first);
    return it != labels.end() && it->second == pair.second;
  });
}

bool selects(const metav1::LabelSelector& selector, const Labels& labels) {
  if (selector.match_expressions.empty()) return contains(labels, selector.match_labels);
  const auto parsed = api::LabelSelector::from(selector);
  return parsed && parsed->matches(labels);
}

bool is_empty(const metav1::LabelSelector& selector) {
  return selector.match_labels.empty() && selector.match_expressions.empty();
}

}  // namespace kpp::controllers
