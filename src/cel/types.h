// The types that expressions are checked against.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kpp::cel {

enum class Kind : std::uint8_t {
  kDyn,
  kError,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kList,
  kMap,
  kType,
  kOptional,
  kOpaque,
  kStruct,
  kParam,
};

class Type;
using TypeRef = std::shared_ptr<const Type>;

// Immutable. Structs are known by their name; what members they have, a StructTable knows.
class Type {
 public:
  Type(Kind kind, std::string name, std::vector<TypeRef> params = {})
      : kind_(kind), name_(std::move(name)), params_(std::move(params)) {
    for (const TypeRef& each : params_) size_ += each->size_;
  }

  // A type with parameters; dyn instead of one that has grown beyond all use.
  static TypeRef make(Kind kind, std::string name, std::vector<TypeRef> params);

  static TypeRef of(Kind kind);  // a type without parameters
  static TypeRef list(TypeRef item);
  static TypeRef map(TypeRef key, TypeRef value);
  static TypeRef type(TypeRef of);
  static TypeRef optional(TypeRef of);
  static TypeRef opaque(std::string name);
  static TypeRef object(std::string name);
  static TypeRef param(std::string name);

  Kind kind() const { return kind_; }
  const std::string& name() const { return name_; }
  const std::vector<TypeRef>& params() const { return params_; }
  bool is_dyn_or_error() const { return kind_ == Kind::kDyn || kind_ == Kind::kError; }
  // As the checker's messages name it ("timestamp", "null").
  std::string display() const;
  // As the type's own name ("google.protobuf.Timestamp", "null_type").
  std::string to_string() const;

 private:
  Kind kind_;
  std::string name_;
  std::vector<TypeRef> params_;
  std::size_t size_ = 1;  // types that it consists of
};

bool same_type(const Type& a, const Type& b);

// The members of structs, by the struct's name.
class StructTable {
 public:
  using Fields = std::map<std::string, TypeRef, std::less<>>;
  void add(std::string name, Fields fields) { structs_[std::move(name)] = std::move(fields); }
  const Fields* find(std::string_view name) const {
    const auto it = structs_.find(name);
    return it == structs_.end() ? nullptr : &it->second;
  }

 private:
  std::map<std::string, Fields, std::less<>> structs_;
};

}  // namespace kpp::cel
