#include "cel/types.h"

#include <array>

namespace kpp::cel {
namespace {

std::string_view plain_name(Kind kind) {
  switch (kind) {
    case Kind::kDyn:
      return "dyn";
    case Kind::kError:
      return "*error*";
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kType:
      return "type";
    case Kind::kOptional:
      return "optional_type";
    case Kind::kOpaque:
    case Kind::kStruct:
    case Kind::kParam:
      return "";
  }
  return "";
}

std::string with_params(std::string_view name, const std::vector<TypeRef>& params,
                        std::string (Type::*text)() const) {
  std::string out(name);
  if (params.empty()) return out;
  out += '(';
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (i > 0) out += ", ";
    out += ((*params[i]).*text)();
  }
  out += ')';
  return out;
}

}  // namespace

TypeRef Type::of(Kind kind) {
  static const auto kTypes = [] {
    std::array<TypeRef, static_cast<std::size_t>(Kind::kParam) + 1> out;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto each = static_cast<Kind>(i);
      out[i] = std::make_shared<const Type>(each, std::string(plain_name(each)));
    }
    return out;
  }();
  return kTypes[static_cast<std::size_t>(kind)];
}

TypeRef Type::make(Kind kind, std::string name, std::vector<TypeRef> params) {
  constexpr std::size_t kLargest = 1000;
  auto out = std::make_shared<const Type>(kind, std::move(name), std::move(params));
  return out->size_ > kLargest ? of(Kind::kDyn) : out;
}

TypeRef Type::list(TypeRef item) { return make(Kind::kList, "list", {std::move(item)}); }
TypeRef Type::map(TypeRef key, TypeRef value) {
  return make(Kind::kMap, "map", {std::move(key), std::move(value)});
}
TypeRef Type::type(TypeRef of) { return make(Kind::kType, "type", {std::move(of)}); }
TypeRef Type::optional(TypeRef of) {
  return make(Kind::kOptional, "optional_type", {std::move(of)});
}
TypeRef Type::opaque(std::string name) {
  return std::make_shared<const Type>(Kind::kOpaque, std::move(name));
}
TypeRef Type::object(std::string name) {
  return std::make_shared<const Type>(Kind::kStruct, std::move(name));
}
TypeRef Type::param(std::string name) {
  return std::make_shared<const Type>(Kind::kParam, std::move(name));
}

std::string Type::display() const {
  switch (kind_) {
    case Kind::kError:
      return "!error!";
    case Kind::kNull:
      return "null";
    case Kind::kTimestamp:
      return "timestamp";
    case Kind::kDuration:
      return "duration";
    default:
      return with_params(name_, params_, &Type::display);
  }
}

std::string Type::to_string() const { return with_params(name_, params_, &Type::to_string); }

bool same_type(const Type& a, const Type& b) {
  if (a.kind() != b.kind() || a.name() != b.name() || a.params().size() != b.params().size())
    return false;
  for (std::size_t i = 0; i < a.params().size(); ++i) {
    if (!same_type(*a.params()[i], *b.params()[i])) return false;
  }
  return true;
}

}  // namespace kpp::cel
