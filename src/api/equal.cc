// Semantic equality of two objects of one type.
#include "api/field_ops.h"
#include "api/json_codec.h"
#include "api/quantity.h"

namespace kpp::api {
namespace {

template <class T>
bool same(const void* a, const void* b) {
  return *static_cast<const T*>(a) == *static_cast<const T*>(b);
}

bool equal_elements(const FieldDesc& field, const void* a, const void* b) {
  switch (field.type) {
    case FieldType::kMessage:
      return equal(*field.message(), a, b);
    case FieldType::kBool:
      return same<bool>(a, b);
    case FieldType::kInt32:
      return same<std::int32_t>(a, b);
    case FieldType::kInt64:
      return same<std::int64_t>(a, b);
    case FieldType::kUint32:
      return same<std::uint32_t>(a, b);
    case FieldType::kUint64:
      return same<std::uint64_t>(a, b);
    case FieldType::kDouble:
      return same<double>(a, b);
    case FieldType::kString:
    case FieldType::kBytes:
    case FieldType::kDuration:
      return same<std::string>(a, b);
    case FieldType::kTime:
      return same<Time>(a, b);
    case FieldType::kMicroTime:
      return same<MicroTime>(a, b);
    case FieldType::kQuantity:
      return compare(*static_cast<const Quantity*>(a), *static_cast<const Quantity*>(b)) == 0;
    case FieldType::kIntOrString:
      return same<IntOrString>(a, b);
    case FieldType::kRawJson:
      return same<RawJson>(a, b);
    case FieldType::kStringList:
      return same<StringList>(a, b);
  }
  return false;
}

bool equal_lists(const FieldDesc& field, const void* a, const void* b) {
  const TypeOps& ops = element_ops(field);
  const std::size_t size = ops.list_size(a);
  if (size != ops.list_size(b)) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (!equal_elements(field, ops.list_at(a, i), ops.list_at(b, i))) return false;
  }
  return true;
}

bool equal_maps(const FieldDesc& field, const void* a, const void* b) {
  const TypeOps& ops = element_ops(field);
  if (ops.map_size(a) != ops.map_size(b)) return false;
  // Both are sorted: the entries pair up.
  using Entries = std::vector<std::pair<const std::string*, const void*>>;
  const auto collect = [](void* c, const std::string& key, const void* value) {
    static_cast<Entries*>(c)->emplace_back(&key, value);
  };
  Entries left, right;
  ops.map_each(a, &left, collect);
  ops.map_each(b, &right, collect);
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (*left[i].first != *right[i].first) return false;
    if (!equal_elements(field, left[i].second, right[i].second)) return false;
  }
  return true;
}

}  // namespace

bool equal(const TypeDesc& desc, const void* a, const void* b) {
  for (const auto& field : desc.fields) {
    const void* x = member_of(a, field);
    const void* y = member_of(b, field);
    switch (field.cardinality) {
      case Cardinality::kValue:
        if (!equal_elements(field, x, y)) return false;
        break;
      case Cardinality::kOptional: {
        const void* p = element_ops(field).opt_get(x);
        const void* q = element_ops(field).opt_get(y);
        if ((p == nullptr) != (q == nullptr)) return false;
        if (p != nullptr && !equal_elements(field, p, q)) return false;
        break;
      }
      case Cardinality::kList:
        if (!equal_lists(field, x, y)) return false;
        break;
      case Cardinality::kMap:
        if (!equal_maps(field, x, y)) return false;
        break;
    }
  }
  return true;
}

}  // namespace kpp::api
