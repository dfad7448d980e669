// Sets of fields of an object, as metadata.managedFields keeps them (FieldsV1).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kpp::api {

// A tree of path elements: "f:name", "k:{keys}", "v:value", "i:index". A node may be a member
// itself.
class FieldSet {
 public:
  bool empty() const { return !member_ && children_.empty(); }
  // The node of a path element, made if it is absent.
  FieldSet& at(std::string_view element);
  void insert() { member_ = true; }
  // Removes the member at a path and everything below it.
  void erase_all(std::string_view dotted_path);

  void add(const FieldSet& other);
  // Removes the members that the other set has; nodes without members below them go.
  void remove(const FieldSet& other);
  bool intersects(const FieldSet& other) const;
  // Drops nodes without members.
  void prune();

  // Errors: kBadRequest for what is no FieldsV1.
  static Result<FieldSet> parse(std::string_view json);
  std::string to_json() const;
  friend bool operator==(const FieldSet&, const FieldSet&) = default;

 private:
  friend class FieldSetReader;
  void write(std::string& out, bool root) const;

  std::map<std::string, FieldSet, std::less<>> children_;
  bool member_ = false;
};

}  // namespace kpp::api
