// The functions that expressions may call.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cel/value.h"

namespace kpp::cel {

using Args = std::span<const Value>;

// What a call costs at run time, beside its arguments.
using CostOf = std::uint64_t (*)(Args args, const Value& result);

// One way to call a function. Null call: the evaluator does it itself.
struct Overload {
  std::vector<TypeRef> params;  // the target first
  TypeRef result;
  bool member = false;
  Value (*call)(Args args) = nullptr;
  CostOf cost = nullptr;  // nullptr: 1
};

struct Function {
  std::string name;
  std::vector<Overload> overloads;
};

// Guarantees: functions stay where they are. Immutable and thread-safe once it is filled.
class FunctionTable {
 public:
  // A signature: "size(list(A)) -> int", "string.contains(string) -> bool"; capital letters are
  // type parameters; names that are no types of the language ("net.IP") are opaque types, which
  // become known by it.
  void add(std::string_view signature, Value (*call)(Args), CostOf cost = nullptr);
  // Another name, where that of a signature would be no word: operators.
  void add_operator(std::string_view name, std::string_view signature, Value (*call)(Args),
                    CostOf cost = nullptr);
  const Function* find(std::string_view name) const;
  // The type that an identifier names; nullptr if it names none.
  TypeRef find_type(std::string_view name) const;
  void add_type(const TypeRef& type) { types_[type->name()] = type; }

 private:
  std::map<std::string, Function, std::less<>> functions_;
  std::map<std::string, TypeRef, std::less<>> types_;
};

// Whether a value may stand for a parameter at run time.
bool accepts(const Type& param, const Value& value);

// The functions of the language and of Kubernetes.
const FunctionTable& standard_functions();

}  // namespace kpp::cel
