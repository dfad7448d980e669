// Which types may stand for which, and what type parameters are by it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cel/types.h"

namespace kpp::cel {

// What type parameters stand for. One for the check of one expression.
class Substitution {
 public:
  // Whether each type may stand where the other is wanted; learns type parameters from it, or
  // leaves everything as it was.
  bool assign(const TypeRef& from, const TypeRef& to);
  bool assign_all(std::span<const TypeRef> from, std::span<const TypeRef> to);
  // The type with its parameters replaced; those still unknown become dyn if asked for.
  TypeRef replace(const TypeRef& type, bool unknown_to_dyn) const;
  // The type with its parameters renamed, so that two uses do not meet.
  TypeRef fresh(const TypeRef& type, int use) const;

 private:
  bool try_assign(const TypeRef& from, const TypeRef& to);
  // For a parameter: valid, and whether it stands for something already.
  std::pair<bool, bool> bind(const TypeRef& param, const TypeRef& type);
  const TypeRef* find(const TypeRef& param) const;
  bool occurs(const TypeRef& param, const TypeRef& in) const;

  void set(const std::string& name, TypeRef type);
  void roll_back(std::size_t to);

  std::map<std::string, TypeRef> bound_;
  std::vector<std::pair<std::string, TypeRef>> changes_;  // what a parameter was before; null: free
};

// The one of two assignable types that says less.
TypeRef more_general(const TypeRef& a, const TypeRef& b);

}  // namespace kpp::cel
