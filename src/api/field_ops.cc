#include "api/field_ops.h"

#include <deque>
#include <optional>

#include "api/type_ops.h"

namespace kpp::api {
namespace {

template <class T>
const void* optional_get(const void* o) {
  const auto& value = *static_cast<const std::optional<T>*>(o);
  return value ? &*value : nullptr;
}
template <class T>
void* optional_make(void* o) {
  return &static_cast<std::optional<T>*>(o)->emplace();
}
template <class T>
void optional_reset(void* o) {
  static_cast<std::optional<T>*>(o)->reset();
}

// Scalars stand in std::optional where messages stand in Opt.
template <class T, unsigned kContainers>
constexpr TypeOps scalar_ops() {
  TypeOps out = make_ops<T, kContainers>();
  out.opt_get = &optional_get<T>;
  out.opt_make = &optional_make<T>;
  out.opt_reset = &optional_reset<T>;
  return out;
}

// Lists of bools stand in std::deque: a std::vector<bool> has no elements to point at.
std::size_t bools_size(const void* l) { return static_cast<const std::deque<bool>*>(l)->size(); }
const void* bools_at(const void* l, std::size_t i) {
  return &(*static_cast<const std::deque<bool>*>(l))[i];
}
void* bools_add(void* l) { return &static_cast<std::deque<bool>*>(l)->emplace_back(false); }
void bools_clear(void* l) { static_cast<std::deque<bool>*>(l)->clear(); }

constexpr TypeOps bool_ops() {
  TypeOps out = scalar_ops<bool, kInMap>();
  out.list_size = &bools_size;
  out.list_at = &bools_at;
  out.list_add = &bools_add;
  out.list_clear = &bools_clear;
  return out;
}

constexpr TypeOps kBoolOps = bool_ops();
constexpr TypeOps kInt32Ops = scalar_ops<std::int32_t, kInList | kInMap>();
constexpr TypeOps kInt64Ops = scalar_ops<std::int64_t, kInList | kInMap>();
constexpr TypeOps kUint32Ops = scalar_ops<std::uint32_t, kInList | kInMap>();
constexpr TypeOps kUint64Ops = scalar_ops<std::uint64_t, kInList | kInMap>();
constexpr TypeOps kDoubleOps = scalar_ops<double, kInList | kInMap>();
constexpr TypeOps kStringOps = scalar_ops<std::string, kInList | kInMap>();
constexpr TypeOps kTimeOps = scalar_ops<Time, kInList | kInMap>();
constexpr TypeOps kMicroTimeOps = scalar_ops<MicroTime, kInList | kInMap>();
constexpr TypeOps kQuantityOps = scalar_ops<Quantity, kInList | kInMap>();
constexpr TypeOps kIntOrStringOps = scalar_ops<IntOrString, kInList | kInMap>();
constexpr TypeOps kRawJsonOps = scalar_ops<RawJson, kInList | kInMap>();
constexpr TypeOps kStringListOps = scalar_ops<StringList, kInList | kInMap>();

template <class T>
const T& as(const void* p) {
  return *static_cast<const T*>(p);
}
template <class T>
T& as(void* p) {
  return *static_cast<T*>(p);
}

void clear_element(FieldType type, void* p) {
  switch (type) {
    case FieldType::kBool:
      as<bool>(p) = false;
      return;
    case FieldType::kInt32:
      as<std::int32_t>(p) = 0;
      return;
    case FieldType::kInt64:
      as<std::int64_t>(p) = 0;
      return;
    case FieldType::kUint32:
      as<std::uint32_t>(p) = 0;
      return;
    case FieldType::kUint64:
      as<std::uint64_t>(p) = 0;
      return;
    case FieldType::kDouble:
      as<double>(p) = 0;
      return;
    case FieldType::kString:
    case FieldType::kBytes:
    case FieldType::kDuration:
      as<std::string>(p).clear();
      return;
    case FieldType::kTime:
      as<Time>(p) = {};
      return;
    case FieldType::kMicroTime:
      as<MicroTime>(p) = {};
      return;
    case FieldType::kQuantity:
      as<Quantity>(p) = {};
      return;
    case FieldType::kIntOrString:
      as<IntOrString>(p) = {};
      return;
    case FieldType::kRawJson:
      as<RawJson>(p) = {};
      return;
    case FieldType::kStringList:
      as<StringList>(p) = {};
      return;
    case FieldType::kMessage:
      return;
  }
}

}  // namespace

const TypeOps& element_ops(const FieldDesc& field) {
  switch (field.type) {
    case FieldType::kMessage:
      return *field.message()->ops;
    case FieldType::kBool:
      return kBoolOps;
    case FieldType::kInt32:
      return kInt32Ops;
    case FieldType::kInt64:
      return kInt64Ops;
    case FieldType::kUint32:
      return kUint32Ops;
    case FieldType::kUint64:
      return kUint64Ops;
    case FieldType::kDouble:
      return kDoubleOps;
    case FieldType::kString:
    case FieldType::kBytes:
    case FieldType::kDuration:
      return kStringOps;
    case FieldType::kTime:
      return kTimeOps;
    case FieldType::kMicroTime:
      return kMicroTimeOps;
    case FieldType::kQuantity:
      return kQuantityOps;
    case FieldType::kIntOrString:
      return kIntOrStringOps;
    case FieldType::kRawJson:
      return kRawJsonOps;
    case FieldType::kStringList:
      return kStringListOps;
  }
  return kStringOps;
}

bool is_zero(FieldType type, const void* p) {
  switch (type) {
    case FieldType::kBool:
      return !as<bool>(p);
    case FieldType::kInt32:
      return as<std::int32_t>(p) == 0;
    case FieldType::kInt64:
      return as<std::int64_t>(p) == 0;
    case FieldType::kUint32:
      return as<std::uint32_t>(p) == 0;
    case FieldType::kUint64:
      return as<std::uint64_t>(p) == 0;
    case FieldType::kDouble:
      return as<double>(p) == 0;
    case FieldType::kString:
    case FieldType::kBytes:
    case FieldType::kDuration:
      return as<std::string>(p).empty();
    case FieldType::kTime:
      return as<Time>(p).is_zero();
    case FieldType::kMicroTime:
      return as<MicroTime>(p).is_zero();
    case FieldType::kQuantity:
      return as<Quantity>(p).text.empty();
    case FieldType::kRawJson:
      return as<RawJson>(p).empty();
    case FieldType::kStringList:
      return as<StringList>(p).items.empty();
    case FieldType::kIntOrString:
      return !as<IntOrString>(p).is_string && as<IntOrString>(p).int_value == 0;
    case FieldType::kMessage:
      return false;
  }
  return false;
}

bool is_present(const FieldDesc& field, const void* object) {
  if (field.always) return true;
  const void* member = member_of(object, field);
  switch (field.cardinality) {
    case Cardinality::kList:
      return element_ops(field).list_size(member) != 0;
    case Cardinality::kMap:
      return element_ops(field).map_size(member) != 0;
    case Cardinality::kOptional:
      return element_ops(field).opt_get(member) != nullptr;
    case Cardinality::kValue:
      break;
  }
  switch (field.type) {
    // Structs in Go: omitempty does not drop them. Only creationTimestamp has omitzero.
    case FieldType::kTime:
      return field.json_name != "creationTimestamp" || !is_zero(field.type, member);
    case FieldType::kMicroTime:
    case FieldType::kQuantity:
    case FieldType::kIntOrString:
    case FieldType::kMessage:
    case FieldType::kRawJson:
      return true;
    default:
      return !is_zero(field.type, member);
  }
}

void clear_field(const FieldDesc& field, void* object) {
  void* member = member_of(object, field);
  const TypeOps& ops = element_ops(field);
  switch (field.cardinality) {
    case Cardinality::kList:
      ops.list_clear(member);
      return;
    case Cardinality::kMap:
      ops.map_clear(member);
      return;
    case Cardinality::kOptional:
      ops.opt_reset(member);
      return;
    case Cardinality::kValue:
      break;
  }
  if (field.type != FieldType::kMessage) return clear_element(field.type, member);
  void* fresh = ops.make();
  ops.assign(member, fresh);
  ops.destroy(fresh);
}

}  // namespace kpp::api
