#include "api/apply/compare.h"

#include <algorithm>

#include "api/field_ops.h"
#include "api/json_codec.h"
#include "api/quantity.h"
#include "api/time_text.h"

namespace kpp::api {
namespace {

template <class T>
const T& as(const void* p) {
  return *static_cast<const T*>(p);
}

// A scalar as JSON, as it stands in keys of path elements.
std::string scalar_json(FieldType type, const void* p) {
  std::string out;
  switch (type) {
    case FieldType::kBool:
      return as<bool>(p) ? "true" : "false";
    case FieldType::kInt32:
      return cat(as<std::int32_t>(p));
    case FieldType::kInt64:
      return cat(as<std::int64_t>(p));
    case FieldType::kString:
      json::write_string(out, as<std::string>(p));
      return out;
    case FieldType::kIntOrString:
      if (!as<IntOrString>(p).is_string) return cat(as<IntOrString>(p).int_value);
      json::write_string(out, as<IntOrString>(p).string_value);
      return out;
    case FieldType::kQuantity:
      json::write_string(out, as<Quantity>(p).text);
      return out;
    default:
      return "null";
  }
}

bool same_scalar(FieldType type, const void* a, const void* b) {
  switch (type) {
    case FieldType::kBool:
      return as<bool>(a) == as<bool>(b);
    case FieldType::kInt32:
      return as<std::int32_t>(a) == as<std::int32_t>(b);
    case FieldType::kInt64:
      return as<std::int64_t>(a) == as<std::int64_t>(b);
    case FieldType::kUint32:
      return as<std::uint32_t>(a) == as<std::uint32_t>(b);
    case FieldType::kUint64:
      return as<std::uint64_t>(a) == as<std::uint64_t>(b);
    case FieldType::kDouble:
      return as<double>(a) == as<double>(b);
    case FieldType::kString:
    case FieldType::kBytes:
    case FieldType::kDuration:
      return as<std::string>(a) == as<std::string>(b);
    case FieldType::kTime:
      return as<Time>(a).seconds == as<Time>(b).seconds;
    case FieldType::kMicroTime:
      return as<MicroTime>(a) == as<MicroTime>(b);
    case FieldType::kQuantity:
      return as<Quantity>(a) == as<Quantity>(b);
    case FieldType::kIntOrString:
      return as<IntOrString>(a) == as<IntOrString>(b);
    case FieldType::kRawJson:
      return as<RawJson>(a) == as<RawJson>(b);
    case FieldType::kStringList:
      return as<StringList>(a) == as<StringList>(b);
    case FieldType::kMessage:
      return false;
  }
  return false;
}

// The place of a list's item by its keys: k:{"containerPort":80,"protocol":"TCP"}.
std::string key_element(const FieldDesc& list, const void* item) {
  std::vector<std::string_view> names(list.list_map_keys.begin(), list.list_map_keys.end());
  std::sort(names.begin(), names.end());
  std::string out = "k:{";
  const TypeDesc& desc = *list.message();
  for (const auto name : names) {
    std::size_t base = 0;
    const FieldDesc* key = desc.find(name, base);
    if (key == nullptr) continue;
    const void* holder = static_cast<const char*>(item) + base;
    const void* value = member_of(holder, *key);
    if (key->cardinality == Cardinality::kOptional) value = element_ops(*key).opt_get(value);
    const bool absent = value == nullptr || !is_present(*key, holder);
    if (absent && key->schema_default.empty()) continue;
    if (out.back() != '{') out.push_back(',');
    out += cat("\"", name,
               "\":", absent ? std::string(key->schema_default) : scalar_json(key->type, value));
  }
  out.push_back('}');
  return out;
}

// Walks two objects; a missing one is nullptr.
class Walker {
 public:
  Walker() = default;

  struct Nodes {
    FieldSet* changed;
    FieldSet* removed;
    Nodes at(std::string_view element) const {
      return {&changed->at(element), &removed->at(element)};
    }
  };

  void members(const TypeDesc& desc, const void* old, const void* now, const Nodes& nodes) {
    for (const auto& field : desc.fields) {
      const void* a = old == nullptr ? nullptr : member_of(old, field);
      const void* b = now == nullptr ? nullptr : member_of(now, field);
      if (field.inlined) {
        if (field.cardinality == Cardinality::kOptional) {
          if (a != nullptr) a = element_ops(field).opt_get(a);
          if (b != nullptr) b = element_ops(field).opt_get(b);
        }
        if (a != nullptr || b != nullptr) members(*field.message(), a, b, nodes);
        continue;
      }
      if (a != nullptr && !is_present(field, old)) a = nullptr;
      if (b != nullptr && !is_present(field, now)) b = nullptr;
      if (a == nullptr && b == nullptr) continue;
      this->field(field, a, b, nodes);
    }
  }

 private:
  void field(const FieldDesc& field, const void* a, const void* b, const Nodes& outer) {
    const TypeOps& ops = element_ops(field);
    switch (field.cardinality) {
      case Cardinality::kOptional:
        if (a != nullptr) a = ops.opt_get(a);
        if (b != nullptr) b = ops.opt_get(b);
        [[fallthrough]];
      case Cardinality::kValue: {
        const bool granular =
            field.type == FieldType::kMessage && !field.map_atomic && !field.message()->map_atomic;
        if (!granular) return leaf(field, a, b, outer, &same_value);
        const Nodes nodes = outer.at(cat("f:", field.json_name));
        presence(a, b, nodes);
        return members(*field.message(), a, b, nodes);
      }
      case Cardinality::kMap:
        if (field.map_atomic) return leaf(field, a, b, outer, &same_map);
        return map(field, a, b, outer.at(cat("f:", field.json_name)), ops);
      case Cardinality::kList:
        if (field.list_type != ListType::kMap && field.list_type != ListType::kSet) {
          return leaf(field, a, b, outer, &same_list);
        }
        return list(field, a, b, outer.at(cat("f:", field.json_name)), ops);
    }
  }

  static void presence(const void* a, const void* b, const Nodes& nodes) {
    if (a == nullptr) nodes.changed->insert();
    if (b == nullptr) nodes.removed->insert();
  }

  static void leaf(const FieldDesc& field, const void* a, const void* b, const Nodes& outer,
                   bool (*same)(const FieldDesc&, const void*, const void*)) {
    if (a != nullptr && b != nullptr && same(field, a, b)) return;
    if (b == nullptr) {
      outer.removed->at(cat("f:", field.json_name)).insert();
    } else {
      outer.changed->at(cat("f:", field.json_name)).insert();
    }
  }
  static bool same_value(const FieldDesc& field, const void* a, const void* b) {
    return field.type == FieldType::kMessage ? equal(*field.message(), a, b)
                                             : same_scalar(field.type, a, b);
  }
  static bool same_list(const FieldDesc& field, const void* a, const void* b) {
    const TypeOps& ops = element_ops(field);
    const std::size_t size = ops.list_size(a);
    if (size != ops.list_size(b)) return false;
    for (std::size_t i = 0; i < size; ++i) {
      if (!same_value(field, ops.list_at(a, i), ops.list_at(b, i))) return false;
    }
    return true;
  }
  using Entries = std::map<std::string_view, const void*>;
  static Entries entries(const void* map, const TypeOps& ops) {
    Entries out;
    if (map == nullptr) return out;
    ops.map_each(map, &out, [](void* context, const std::string& key, const void* value) {
      static_cast<Entries*>(context)->emplace(key, value);
    });
    return out;
  }
  static bool same_map(const FieldDesc& field, const void* a, const void* b) {
    const TypeOps& ops = element_ops(field);
    const Entries left = entries(a, ops);
    const Entries right = entries(b, ops);
    return left.size() == right.size() &&
           std::equal(left.begin(), left.end(), right.begin(), [&](const auto& x, const auto& y) {
             return x.first == y.first && same_value(field, x.second, y.second);
           });
  }

  void element(const FieldDesc& field, const std::string& place, const void* a, const void* b,
               const Nodes& outer) {
    if (field.type == FieldType::kMessage && !field.message()->map_atomic) {
      const Nodes nodes = outer.at(place);
      presence(a, b, nodes);
      members(*field.message(), a, b, nodes);
    } else if (b == nullptr) {
      outer.removed->at(place).insert();
    } else if (a == nullptr || !same_value(field, a, b)) {
      outer.changed->at(place).insert();
    }
  }

  void map(const FieldDesc& field, const void* a, const void* b, const Nodes& nodes,
           const TypeOps& ops) {
    presence(a, b, nodes);
    pairs(field, entries(a, ops), entries(b, ops), nodes,
          [](std::string_view key) { return cat("f:", key); });
  }

  void list(const FieldDesc& field, const void* a, const void* b, const Nodes& nodes,
            const TypeOps& ops) {
    presence(a, b, nodes);
    std::vector<std::string> names;
    const auto items = [&](const void* list_data) {
      std::vector<std::pair<std::string, const void*>> out;
      for (std::size_t i = 0; list_data != nullptr && i < ops.list_size(list_data); ++i) {
        const void* item = ops.list_at(list_data, i);
        out.emplace_back(field.list_type == ListType::kMap && field.type == FieldType::kMessage
                             ? key_element(field, item)
                             : cat("v:", scalar_json(field.type, item)),
                         item);
      }
      return out;
    };
    const auto left = items(a);
    const auto right = items(b);
    Entries x, y;
    for (const auto& [name, item] : left) x.emplace(name, item);
    for (const auto& [name, item] : right) y.emplace(name, item);
    pairs(field, x, y, nodes, [](std::string_view name) { return std::string(name); });
  }

  template <class F>
  void pairs(const FieldDesc& field, const Entries& left, const Entries& right, const Nodes& nodes,
             F&& place) {
    for (const auto& [name, b] : right) {
      const auto it = left.find(name);
      element(field, place(name), it == left.end() ? nullptr : it->second, b, nodes);
    }
    for (const auto& [name, a] : left) {
      if (!right.contains(name)) element(field, place(name), a, nullptr, nodes);
    }
  }
};

}  // namespace

Comparison compare_fields(const TypeDesc& desc, const void* old, const void* now) {
  Comparison out;
  Walker().members(desc, old, now, {&out.changed, &out.removed});
  out.changed.prune();
  out.removed.prune();
  return out;
}

}  // namespace kpp::api
