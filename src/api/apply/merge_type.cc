#include "api/apply/merge_type.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "base/cat.h"

namespace kpp::api {
namespace {

using Kind = MergeType::Kind;

MergeType scalar(Kind kind) {
  MergeType out;
  out.kind = kind;
  return out;
}

const MergeType& scalar_type(FieldType type) {
  static const MergeType kString = scalar(Kind::kString);
  static const MergeType kNumber = scalar(Kind::kNumber);
  static const MergeType kBool = scalar(Kind::kBool);
  static const MergeType kScalar = scalar(Kind::kScalar);
  static const MergeType kAny = scalar(Kind::kAny);
  static const MergeType kStrings = [] {
    MergeType out;
    out.kind = Kind::kList;
    out.atomic = true;
    out.element = &kString;
    return out;
  }();
  switch (type) {
    case FieldType::kBool:
      return kBool;
    case FieldType::kInt32:
    case FieldType::kInt64:
    case FieldType::kUint32:
    case FieldType::kUint64:
    case FieldType::kDouble:
      return kNumber;
    case FieldType::kString:
    case FieldType::kBytes:
    case FieldType::kDuration:
      return kString;
    case FieldType::kTime:
    case FieldType::kMicroTime:
    case FieldType::kQuantity:
    case FieldType::kIntOrString:
      return kScalar;
    case FieldType::kStringList:
      return kStrings;
    case FieldType::kRawJson:
    case FieldType::kMessage:
      break;
  }
  return kAny;
}

// The value that a field has when it is left out.
std::string default_of(const FieldDesc& field) {
  if (!field.schema_default.empty()) return std::string(field.schema_default);
  if (!field.always || field.pointer || field.cardinality != Cardinality::kValue) return {};
  switch (scalar_type(field.type).kind) {
    case Kind::kString:
      return "\"\"";
    case Kind::kNumber:
      return "0";
    case Kind::kBool:
      return "false";
    default:
      return {};
  }
}

// Fields of an atomic type that are granular all the same.
bool is_granular(const TypeDesc& in, const FieldDesc& field) {
  return in.name == "PersistentVolumeSpec" && field.json_name == "claimRef";
}

class Registry {
 public:
  const MergeType& of(const TypeDesc& desc) {
    const std::lock_guard lock(mutex_);
    return message(desc);
  }

 private:
  const MergeType& message(const TypeDesc& desc) {
    const auto [it, fresh] = messages_.try_emplace(&desc, nullptr);
    if (!fresh) return *it->second;
    MergeType& type = nodes_.emplace_back();
    it->second = &type;
    type.kind = Kind::kMap;
    type.atomic = desc.map_atomic;
    if (desc.is_root()) {
      for (const auto* name : {"apiVersion", "kind"})
        add(type, name).type = &scalar_type(FieldType::kString);
    }
    members(desc, 0, type);
    std::sort(type.fields.begin(), type.fields.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return type;
  }

  static MergeType::Field& add(MergeType& type, std::string_view name) {
    MergeType::Field& field = type.fields.emplace_back();
    field.name = name;
    field.element = cat("f:", name);
    return field;
  }

  void members(const TypeDesc& desc, std::size_t offset, MergeType& out) {
    for (const auto& field : desc.fields) {
      if (field.inlined) {
        members(*field.message(), offset + field.offset, out);
        continue;
      }
      const MergeType& value = value_of(desc, field);
      MergeType::Field& made = add(out, field.json_name);
      made.type = &value;
      made.default_value = default_of(field);
      made.desc = &field;
      made.holder_offset = offset;
    }
  }

  const MergeType& element_of(const FieldDesc& field) {
    return field.type == FieldType::kMessage ? message(*field.message()) : scalar_type(field.type);
  }

  const MergeType& value_of(const TypeDesc& in, const FieldDesc& field) {
    const MergeType& element = element_of(field);
    if (field.cardinality == Cardinality::kList) return list_of(field, element);
    if (field.cardinality == Cardinality::kMap) {
      MergeType& map = nodes_.emplace_back();
      map.kind = Kind::kMap;
      map.atomic = field.map_atomic;
      map.element = &element;
      return map;
    }
    if (field.type != FieldType::kMessage) return element;
    const bool atomic = (field.map_atomic || element.atomic) && !is_granular(in, field);
    if (atomic == element.atomic) return element;
    MergeType& view = nodes_.emplace_back();
    view.kind = Kind::kMap;
    view.atomic = atomic;
    view.shape = &element;
    return view;
  }

  const MergeType& list_of(const FieldDesc& field, const MergeType& element) {
    MergeType& list = nodes_.emplace_back();
    list.kind = Kind::kList;
    list.element = &element;
    list.atomic = field.list_type != ListType::kMap && field.list_type != ListType::kSet;
    if (field.list_type != ListType::kMap) return list;
    for (const auto name : field.list_map_keys)
      list.keys.push_back({std::string(name), element.field(name)});
    std::sort(list.keys.begin(), list.keys.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return list;
  }

  std::mutex mutex_;
  std::unordered_map<const TypeDesc*, const MergeType*> messages_;
  std::deque<MergeType> nodes_;
};

}  // namespace

const MergeType::Field* MergeType::field(std::string_view name) const {
  const auto& all = members();
  const auto it = std::lower_bound(all.begin(), all.end(), name,
                                   [](const Field& f, std::string_view n) { return f.name < n; });
  return it != all.end() && it->name == name ? &*it : nullptr;
}

const MergeType* MergeType::value_type(std::string_view name, bool* declared) const {
  const Field* found = field(name);
  if (declared != nullptr) *declared = found != nullptr;
  return found != nullptr ? found->type : element;
}

const MergeType& merge_type(const TypeDesc& desc) {
  static Registry registry;
  return registry.of(desc);
}

}  // namespace kpp::api
