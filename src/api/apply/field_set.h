// Sets of fields of an object, as metadata.managedFields keeps them (FieldsV1).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/apply/merge_type.h"
#include "base/status.h"

namespace kpp::api {

// A tree of path elements: "f:name", "k:{keys}", "v:value", "i:index". A node may be a member
// itself. Nodes are kept in the original's order: fields, keys, values, indexes; numbers in keys
// and values by their size.
class FieldSet {
 public:
  struct Child;

  bool empty() const { return !member_ && children_.empty(); }
  bool is_member() const { return member_; }
  bool has_children() const { return !children_.empty(); }
  std::span<const Child> children() const;
  // The node of a path element, made if it is absent; a reference is good until a sibling is made.
  FieldSet& at(std::string_view element);
  const FieldSet* find(std::string_view element) const;
  void insert() { member_ = true; }

  // Union, difference and intersection; nodes without members below them go.
  void add(const FieldSet& other);
  void remove(const FieldSet& other);
  FieldSet common(const FieldSet& other) const;
  // Removes the members of a path of fields and everything below it.
  void remove_below(std::span<const std::string_view> path);
  // Keeps what lies on or below one of the paths; "*" stands for any element.
  void keep_below(std::span<const std::span<const std::string_view>> paths);
  // The set with every declared field on the way to a member made a member too.
  FieldSet with_named_fields(const MergeType* type) const;
  // Members below a value that is one leaf by the schema become that leaf.
  void fit(const MergeType& type);

  // Errors: kBadRequest for what is no FieldsV1.
  static Result<FieldSet> parse(std::string_view json);
  std::string to_json() const;
  // The paths of all members as messages name them: ".spec.ports[port=80,protocol=\"TCP\"]"; those
  // of a node before those below it.
  std::vector<std::string> paths() const;
  friend bool operator==(const FieldSet&, const FieldSet&) = default;

 private:
  friend class FieldSetReader;
  void write(std::string& out, bool root) const;
  void list(std::string& path, std::vector<std::string>& out) const;
  std::size_t place_of(std::string_view element) const;

  std::vector<Child> children_;
  bool member_ = false;
};

struct FieldSet::Child {
  std::string element;
  FieldSet set;
  friend bool operator==(const Child&, const Child&) = default;
};

inline std::span<const FieldSet::Child> FieldSet::children() const { return children_; }

// A path element as messages show it: ".name", "[name=\"a\"]", "[=\"v\"]".
std::string element_text(std::string_view element);

}  // namespace kpp::api
