// Label and field selectors.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/metav1.h"
#include "base/status.h"

namespace kpp::api {

using Labels = std::map<std::string, std::string>;

// A conjunction of requirements on labels. Empty: everything matches; nothing(): nothing does.
class LabelSelector {
 public:
  enum class Operator : std::uint8_t {
    kEquals,
    kNotEquals,
    kIn,
    kNotIn,
    kExists,
    kDoesNotExist,
    kGreater,
    kLess
  };
  struct Requirement {
    std::string key;
    Operator op;
    std::set<std::string> values;

    bool matches(const Labels& labels) const;
    std::string to_string() const;
  };

  LabelSelector() = default;
  static LabelSelector nothing();
  // From a query string ("a=b,c in (d,e),!f,g>1"). Errors: kBadRequest with the original's text.
  static Result<LabelSelector> parse(std::string_view text);
  // From an API field; an absent selector matches nothing. Errors: kBadRequest.
  static Result<LabelSelector> from(const metav1::LabelSelector& selector);
  static Result<LabelSelector> from(const Opt<metav1::LabelSelector>& selector);
  // All of these labels, with these values.
  static LabelSelector of(const Labels& labels);

  bool matches(const Labels& labels) const;
  bool empty() const { return !nothing_ && requirements_.empty(); }
  const std::vector<Requirement>& requirements() const { return requirements_; }
  std::string to_string() const;

 private:
  std::vector<Requirement> requirements_;  // sorted by key
  bool nothing_ = false;
};

// A conjunction of comparisons of fields.
struct FieldSelector {
  struct Term {
    std::string field;
    bool equals;
    std::string value;
  };
  std::vector<Term> terms;

  // "a=b,c==d,e!=f" with \, \= and \\ escaped. Errors: kBadRequest with the original's text.
  static Result<FieldSelector> parse(std::string_view text);
  bool empty() const { return terms.empty(); }
  // The value that a field must have, or nullptr.
  const std::string* required(std::string_view field) const;
};

}  // namespace kpp::api
