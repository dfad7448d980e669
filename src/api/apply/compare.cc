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

// The place of a list's item: k:{"containerPort":80,"protocol":"TCP"}, or v:"value".
std::string item_element(const MergeType& list, const FieldDesc& desc, const void* item) {
  if (list.keys.empty()) return cat("v:", scalar_json(desc.type, item));
  std::string out = "k:{";
  for (const auto& key : list.keys) {
    if (key.field == nullptr || key.field->desc == nullptr) continue;
    const FieldDesc& field = *key.field->desc;
    const void* holder = static_cast<const char*>(item) + key.field->holder_offset;
    const void* value = member_of(holder, field);
    if (field.cardinality == Cardinality::kOptional) value = element_ops(field).opt_get(value);
    const bool absent = value == nullptr || !is_present(field, holder);
    if (absent && key.field->default_value.empty()) continue;
    if (out.back() != '{') out.push_back(',');
    out.push_back('"');
    out += key.name;
    out += "\":";
    out += absent ? key.field->default_value : scalar_json(field.type, value);
  }
  out.push_back('}');
  return out;
}

bool same_value(const FieldDesc& field, const void* a, const void* b) {
  return field.type == FieldType::kMessage ? equal(*field.message(), a, b)
                                           : same_scalar(field.type, a, b);
}

bool same_list(const FieldDesc& field, const void* a, const void* b) {
  const TypeOps& ops = element_ops(field);
  const std::size_t size = ops.list_size(a);
  if (size != ops.list_size(b)) return false;
  for (std::size_t i = 0; i < size; ++i) {
    if (!same_value(field, ops.list_at(a, i), ops.list_at(b, i))) return false;
  }
  return true;
}

using Entries = std::vector<std::pair<std::string_view, const void*>>;

// In the order of the keys.
Entries entries(const void* map, const TypeOps& ops) {
  Entries out;
  if (map == nullptr) return out;
  out.reserve(ops.map_size(map));
  ops.map_each(map, &out, [](void* context, const std::string& key, const void* value) {
    static_cast<Entries*>(context)->emplace_back(key, value);
  });
  return out;
}

bool same_map(const FieldDesc& field, const void* a, const void* b) {
  const TypeOps& ops = element_ops(field);
  const Entries left = entries(a, ops);
  const Entries right = entries(b, ops);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](const auto& x, const auto& y) {
                      return x.first == y.first && same_value(field, x.second, y.second);
                    });
}

// Walks two objects; a missing one is nullptr.
class Walker {
 public:
  explicit Walker(std::span<const std::string> empty_lists) : empty_lists_(empty_lists) {}

  void members(const MergeType& type, const void* old, const void* now, ComparedPlace& at) {
    for (const auto& field : type.members()) {
      if (field.desc == nullptr) continue;
      const FieldDesc& desc = *field.desc;
      const void* old_holder =
          old == nullptr ? nullptr : static_cast<const char*>(old) + field.holder_offset;
      const void* now_holder =
          now == nullptr ? nullptr : static_cast<const char*>(now) + field.holder_offset;
      const void* a = old_holder == nullptr || !is_present(desc, old_holder)
                          ? nullptr
                          : member_of(old_holder, desc);
      const void* b = now_holder == nullptr || !is_present(desc, now_holder)
                          ? nullptr
                          : member_of(now_holder, desc);
      if (a == nullptr && b == nullptr) continue;
      ComparedPlace place(at, field.element);
      this->field(*field.type, desc, a, b, place);
    }
  }

 private:
  void field(const MergeType& type, const FieldDesc& desc, const void* a, const void* b,
             ComparedPlace& at) {
    const TypeOps& ops = element_ops(desc);
    switch (desc.cardinality) {
      case Cardinality::kOptional:
        if (a != nullptr) a = ops.opt_get(a);
        if (b != nullptr) b = ops.opt_get(b);
        [[fallthrough]];
      case Cardinality::kValue:
        return value(type, desc, a, b, at);
      case Cardinality::kMap:
        if (type.atomic)
          return leaf(a, b, a != nullptr && b != nullptr && same_map(desc, a, b), at);
        presence(a, b, at);
        return map(type, desc, a, b, at, ops);
      case Cardinality::kList:
        if (type.atomic) {
          return leaf(
              a, b,
              a != nullptr && b != nullptr && same_list(desc, a, b) && !sent_empty(b, at, ops), at);
        }
        presence(a, b, at);
        if (b != nullptr && a != nullptr && ops.list_size(a) == 0 && sent_empty(b, at, ops))
          at.insert_changed();
        return list(type, desc, a, b, at, ops);
    }
  }

  // A struct or a scalar: a member, or an item of a list or a map.
  void value(const MergeType& type, const FieldDesc& desc, const void* a, const void* b,
             ComparedPlace& at) {
    if (type.kind != MergeType::Kind::kMap || type.atomic) {
      return leaf(a, b, a != nullptr && b != nullptr && same_value(desc, a, b), at);
    }
    presence(a, b, at);
    members(type, a, b, at);
  }

  static void presence(const void* a, const void* b, ComparedPlace& at) {
    if (a == nullptr) at.insert_changed();
    if (b == nullptr) at.insert_removed();
  }

  static void leaf(const void* a, const void* b, bool same, ComparedPlace& at) {
    if (a != nullptr && b != nullptr && same) return;
    if (b == nullptr) {
      at.insert_removed();
    } else {
      at.insert_changed();
    }
  }

  // Whether a list without items was sent as one, not left out or null.
  bool sent_empty(const void* list, const ComparedPlace& at, const TypeOps& ops) const {
    if (empty_lists_.empty() || ops.list_size(list) != 0) return false;
    std::string path;
    for (const ComparedPlace* p = &at; p->outer() != nullptr; p = p->outer()) {
      path = cat(p->element().substr(2), path.empty() ? "" : ".", path);
    }
    return std::find(empty_lists_.begin(), empty_lists_.end(), path) != empty_lists_.end();
  }

  void map(const MergeType& type, const FieldDesc& desc, const void* a, const void* b,
           ComparedPlace& at, const TypeOps& ops) {
    const Entries left = entries(a, ops);
    const Entries right = entries(b, ops);
    std::string element;
    auto x = left.begin();
    auto y = right.begin();
    while (x != left.end() || y != right.end()) {
      const bool only_left = y == right.end() || (x != left.end() && x->first < y->first);
      const bool only_right = x == left.end() || (y != right.end() && y->first < x->first);
      element.assign("f:");
      element += only_left ? x->first : y->first;
      ComparedPlace place(at, element);
      value(*type.element, desc, only_right ? nullptr : x->second, only_left ? nullptr : y->second,
            place);
      if (!only_right) ++x;
      if (!only_left) ++y;
    }
  }

  void list(const MergeType& type, const FieldDesc& desc, const void* a, const void* b,
            ComparedPlace& at, const TypeOps& ops) {
    using Items = std::vector<std::pair<std::string, const void*>>;
    const auto items = [&](const void* list_data) {
      Items out;
      if (list_data == nullptr) return out;
      const std::size_t size = ops.list_size(list_data);
      out.reserve(size);
      for (std::size_t i = 0; i < size; ++i) {
        const void* item = ops.list_at(list_data, i);
        out.emplace_back(item_element(type, desc, item), item);
      }
      return out;
    };
    Items left = items(a);
    Items right = items(b);
    const auto item = [&](const std::string& element, const void* const* old,
                          const void* const* now) {
      ComparedPlace place(at, element);
      value(*type.element, desc, old == nullptr ? nullptr : *old, now == nullptr ? nullptr : *now,
            place);
    };
    // Items that share an element are one leaf.
    const auto group = [&](const std::string& element, auto olds, auto nows) {
      if (olds.size() >= 2 && nows.size() >= 2) {
        const bool same = std::equal(
            olds.begin(), olds.end(), nows.begin(), nows.end(),
            [&](const auto& p, const auto& q) { return same_value(desc, p.second, q.second); });
        if (!same) ComparedPlace(at, element).insert_changed();
      } else if (olds.size() >= 2) {
        if (!nows.empty()) item(element, nullptr, &nows[0].second);
        ComparedPlace(at, element).insert_removed();
      } else {
        if (!olds.empty()) item(element, &olds[0].second, nullptr);
        ComparedPlace(at, element).insert_changed();
      }
    };
    match_items(left, right, item, group);
  }

  std::span<const std::string> empty_lists_;
};

}  // namespace

Comparison compare_fields(const TypeDesc& desc, const void* old, const void* now,
                          std::span<const std::string> empty_lists) {
  Comparison out;
  ComparedPlace root(out);
  Walker(empty_lists).members(merge_type(desc), old, now, root);
  return out;
}

}  // namespace kpp::api
