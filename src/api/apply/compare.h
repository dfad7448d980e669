// Which fields differ between two states of an object, by the schema's merge rules.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "api/apply/field_set.h"
#include "api/schema.h"

namespace kpp::api {

struct Comparison {
  FieldSet changed;  // added or modified
  FieldSet removed;
};

// Of two generated objects of one type; `old` may be nullptr: an object without any value. Atomic
// lists, maps and structs are one field; lists of type set and map go by value and by keys.
// `empty_lists` are the dotted paths of lists that were sent as []: where a list is always written,
// that is another value than the null of a list without items.
Comparison compare_fields(const TypeDesc& desc, const void* old, const void* now,
                          std::span<const std::string> empty_lists = {});

// A place in both sets of a comparison, whose nodes are made when something is there to insert.
class ComparedPlace {
 public:
  explicit ComparedPlace(Comparison& root) : changed_(&root.changed), removed_(&root.removed) {}
  ComparedPlace(ComparedPlace& outer, std::string_view element)
      : outer_(&outer), element_(element) {}
  ComparedPlace(const ComparedPlace&) = delete;
  ComparedPlace& operator=(const ComparedPlace&) = delete;

  void insert_changed() { changed().insert(); }
  void insert_removed() { removed().insert(); }
  const ComparedPlace* outer() const { return outer_; }
  std::string_view element() const { return element_; }

 private:
  FieldSet& changed() {
    if (changed_ == nullptr) changed_ = &outer_->changed().at(element_);
    return *changed_;
  }
  FieldSet& removed() {
    if (removed_ == nullptr) removed_ = &outer_->removed().at(element_);
    return *removed_;
  }

  ComparedPlace* outer_ = nullptr;
  std::string_view element_;
  FieldSet* changed_ = nullptr;
  FieldSet* removed_ = nullptr;
};

// The items of two lists by their path elements, which an item of a broken list may share with
// others: calls `pair(element, old, now)` for an element that each list has at most once and
// `group(element, olds, nows)` for others.
template <class Item, class Pair, class Group>
void match_items(std::vector<std::pair<std::string, Item>>& olds,
                 std::vector<std::pair<std::string, Item>>& nows, Pair&& pair, Group&& group) {
  std::sort(olds.begin(),
            olds.end());  // items are pointers into one list: those of one element keep their order
  std::sort(nows.begin(), nows.end());
  std::size_t i = 0;
  std::size_t k = 0;
  while (i < olds.size() || k < nows.size()) {
    const std::string& name = k == nows.size() || (i < olds.size() && olds[i].first < nows[k].first)
                                  ? olds[i].first
                                  : nows[k].first;
    const std::size_t i0 = i;
    const std::size_t k0 = k;
    while (i < olds.size() && olds[i].first == name) ++i;
    while (k < nows.size() && nows[k].first == name) ++k;
    if (i - i0 <= 1 && k - k0 <= 1) {
      pair(name, i > i0 ? &olds[i0].second : nullptr, k > k0 ? &nows[k0].second : nullptr);
    } else {
      group(name, std::span(olds).subspan(i0, i - i0), std::span(nows).subspan(k0, k - k0));
    }
  }
}

}  // namespace kpp::api
