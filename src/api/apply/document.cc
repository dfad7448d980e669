#include "api/apply/document.h"

#include <algorithm>
#include <unordered_map>

namespace kpp::api {
namespace {

using Kind = MergeType::Kind;

std::string_view view(boost::json::string_view text) { return {text.data(), text.size()}; }

const json::Object* map_of(const json::Value* v) { return v == nullptr ? nullptr : v->if_object(); }
const json::Array* list_of(const json::Value* v) { return v == nullptr ? nullptr : v->if_array(); }

const json::Value* member(const json::Object* object, std::string_view name) {
  return object == nullptr ? nullptr : object->if_contains({name.data(), name.size()});
}

bool empty(const json::Object* object) { return object == nullptr || object->empty(); }
bool empty(const json::Array* array) { return array == nullptr || array->empty(); }

double number(const json::Value& v) {
  if (const auto* i = v.if_int64()) return static_cast<double>(*i);
  if (const auto* u = v.if_uint64()) return static_cast<double>(*u);
  return v.get_double();
}

}  // namespace

bool same_document(const json::Value& a, const json::Value& b) {
  if (a.is_number() && b.is_number()) return a == b || number(a) == number(b);
  if (a.kind() != b.kind()) return false;
  if (const auto* x = a.if_object()) {
    const auto& y = b.get_object();
    return x->size() == y.size() && std::all_of(x->begin(), x->end(), [&](const auto& m) {
             const json::Value* other = y.if_contains(m.key());
             return other != nullptr && same_document(m.value(), *other);
           });
  }
  if (const auto* x = a.if_array()) {
    const auto& y = b.get_array();
    return std::equal(x->begin(), x->end(), y.begin(), y.end(), same_document);
  }
  return a == b;
}

Result<std::string> item_element(const MergeType& list, const json::Value& item) {
  const auto refuse = [](std::string text) { return fail(Reason::kBadRequest, std::move(text)); };
  if (list.keys.empty()) {
    if (item.is_object())
      return refuse("associative list without keys has an element that's a map type");
    if (item.is_array()) return refuse("not supported: associative list with lists as elements");
    return cat("v:", json::write(item));
  }
  if (item.is_null()) return refuse("associative list with keys may not have a null element");
  const auto* object = item.if_object();
  if (object == nullptr) return refuse("associative list with keys may not have non-map elements");
  std::string out = "k:{";
  for (const auto& key : list.keys) {
    const json::Value* value = member(object, key.name);
    const std::string fallback = key.field == nullptr ? std::string() : key.field->default_value;
    if (value == nullptr && fallback.empty()) {
      return refuse(cat("associative list with keys has an element that omits key field ",
                        quoted(key.name), " (and doesn't have default value)"));
    }
    if (out.back() != '{') out.push_back(',');
    json::write_string(out, key.name);
    out.push_back(':');
    out += value == nullptr ? fallback : json::write(*value);
  }
  out.push_back('}');
  return out;
}

// --- fields

namespace {

void collect(const MergeType& type, const json::Value& v, FieldSet& out);

void collect_items(const MergeType& type, const json::Array& items, FieldSet& out) {
  std::unordered_map<std::string, std::size_t> counts;
  std::vector<std::string> elements;
  for (const auto& item : items) {
    auto element = item_element(type, item);
    elements.push_back(element ? std::move(*element) : std::string());
    ++counts[elements.back()];
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (elements[i].empty()) continue;
    FieldSet& node = out.at(elements[i]);
    node.insert();
    if (counts[elements[i]] == 1) collect(*type.element, items[i], node);
  }
}

void collect(const MergeType& type, const json::Value& v, FieldSet& out) {
  if ((type.kind != Kind::kList && type.kind != Kind::kMap) || type.atomic) return out.insert();
  if (type.kind == Kind::kList) {
    if (const auto* array = v.if_array()) collect_items(type, *array, out);
    return;
  }
  const auto* object = v.if_object();
  if (object == nullptr) return;
  for (const auto& [name, child] : *object) {
    bool declared = false;
    const MergeType* value = type.value_type(view(name), &declared);
    if (value == nullptr) continue;
    FieldSet node;
    collect(*value, child, node);
    const auto* map = child.if_object();
    if (child.is_null() || (map != nullptr && map->empty()) || !declared) node.insert();
    if (!node.empty()) out.at(cat("f:", view(name))) = std::move(node);
  }
}

}  // namespace

FieldSet document_fields(const MergeType& type, const json::Value& document) {
  FieldSet out;
  collect(type, document, out);
  return out;
}

// --- merging

namespace {

using Merged = std::optional<json::Value>;

Merged merge(const MergeType& type, const json::Value* a, const json::Value* b);

Merged keep_new(const json::Value* a, const json::Value* b) {
  if (b != nullptr) return *b;
  if (a != nullptr) return *a;
  return std::nullopt;
}

Merged merge_maps(const MergeType& type, const json::Object* a, const json::Object* b) {
  json::Object out;
  const auto add = [&](boost::json::string_view name) {
    const MergeType* value = type.value_type(view(name));
    const json::Value* x = member(a, view(name));
    const json::Value* y = member(b, view(name));
    Merged merged = value == nullptr ? keep_new(x, y) : merge(*value, x, y);
    if (merged) out[name] = std::move(*merged);
  };
  if (a != nullptr) {
    for (const auto& m : *a) add(m.key());
  }
  if (b != nullptr) {
    for (const auto& m : *b) {
      if (a == nullptr || !a->contains(m.key())) add(m.key());
    }
  }
  if (out.empty()) return std::nullopt;
  return json::Value(std::move(out));
}

struct Items {
  std::vector<std::string> elements;
  std::unordered_map<std::string, const json::Value*> by_element;  // nullptr: more than one
};

Items index(const MergeType& type, const json::Array* list) {
  Items out;
  if (list == nullptr) return out;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json::Value& item = (*list)[i];
    auto element = item_element(type, item);
    if (!element) element = cat("i:", i);  // cannot be told from others: kept in its place
    const auto [it, fresh] = out.by_element.try_emplace(*element, &item);
    if (!fresh) it->second = nullptr;
    out.elements.push_back(std::move(*element));
  }
  return out;
}

// Items of both lists in an order that fits both where that can be: the new list's order rules.
Merged merge_lists(const MergeType& type, const json::Array* a, const json::Array* b) {
  const Items left = index(type, a);
  const Items right = index(type, b);
  std::vector<const std::string*> shared;
  for (const auto& element : right.elements) {
    if (left.by_element.contains(element)) shared.push_back(&element);
  }
  std::size_t next = 0;
  const auto next_shared = [&]() -> const std::string* {
    return next < shared.size() ? shared[next] : nullptr;
  };
  json::Array out;
  std::unordered_map<std::string, bool> done;
  const auto take_both = [&](const std::string& element) {
    done[element] = true;
    const auto l = left.by_element.find(element);
    const auto r = right.by_element.find(element);
    const json::Value* x = l == left.by_element.end() ? nullptr : l->second;
    const json::Value* y = r == right.by_element.end() ? nullptr : r->second;
    if (auto merged = merge(*type.element, x, y)) out.push_back(std::move(*merged));
  };
  std::size_t l = 0;
  std::size_t r = 0;
  while (l < left.elements.size() || r < right.elements.size()) {
    if (l < left.elements.size() && r < right.elements.size()) {
      const std::string& element = left.elements[l];
      if (element == right.elements[r]) {
        take_both(element);
        ++l;
        ++r;
        ++next;
        continue;
      }
      if (right.by_element.contains(element) && next_shared() != nullptr &&
          *next_shared() != element) {
        ++l;  // shared, but its turn comes later
        continue;
      }
    }
    if (l < left.elements.size()) {
      const std::string& element = left.elements[l];
      if (!right.by_element.contains(element)) {
        if (auto kept = merge(*type.element, &(*a)[l], nullptr)) out.push_back(std::move(*kept));
        ++l;
        continue;
      }
      if (done.contains(element)) ++l;
    }
    if (r < right.elements.size()) {
      const std::string& element = right.elements[r];
      take_both(element);
      ++r;
      if (next_shared() != nullptr && *next_shared() == element) ++next;
    }
  }
  if (out.empty()) return std::nullopt;
  return json::Value(std::move(out));
}

Merged merge(const MergeType& type, const json::Value* a, const json::Value* b) {
  if (type.kind == Kind::kMap) {
    const auto* x = map_of(a);
    const auto* y = map_of(b);
    if (type.atomic || (empty(x) && empty(y))) return keep_new(a, b);
    return merge_maps(type, x, y);
  }
  if (type.kind == Kind::kList) {
    const auto* x = list_of(a);
    const auto* y = list_of(b);
    if (type.atomic || (empty(x) && empty(y))) return keep_new(a, b);
    return merge_lists(type, x, y);
  }
  return keep_new(a, b);
}

}  // namespace

std::optional<json::Value> merge_documents(const MergeType& type, const json::Value& old,
                                           const json::Value& now) {
  return merge(type, &old, &now);
}

// --- removing

json::Value without_fields(const MergeType& type, const json::Value& v, const FieldSet& fields) {
  if (type.kind == Kind::kMap) {
    const auto* object = v.if_object();
    if (object == nullptr || object->empty() || type.atomic) return nullptr;
    json::Object out;
    for (const auto& [name, child] : *object) {
      const FieldSet* node = fields.find(cat("f:", view(name)));
      if (node != nullptr && node->is_member()) continue;
      const MergeType* value = type.value_type(view(name));
      out[name] = node != nullptr && node->has_children() && value != nullptr
                      ? without_fields(*value, child, *node)
                      : child;
    }
    if (out.empty()) return nullptr;
    return out;
  }
  if (type.kind == Kind::kList) {
    const auto* array = v.if_array();
    if (array == nullptr || array->empty() || type.atomic) return nullptr;
    json::Array out;
    for (const auto& item : *array) {
      const auto element = item_element(type, item);
      const FieldSet* node = element ? fields.find(*element) : nullptr;
      if (node != nullptr && node->is_member()) continue;
      out.push_back(node != nullptr && node->has_children()
                        ? without_fields(*type.element, item, *node)
                        : item);
    }
    if (out.empty()) return nullptr;
    return out;
  }
  return v;
}

// --- comparing

namespace {

void compare(const MergeType& type, const json::Value* a, const json::Value* b, ComparedPlace& at);

void leaf(const json::Value* a, const json::Value* b, ComparedPlace& at) {
  if (b == nullptr) {
    at.insert_removed();
  } else if (a == nullptr || !same_document(*a, *b)) {
    at.insert_changed();
  }
}

void presence(const json::Value* a, const json::Value* b, ComparedPlace& at) {
  if (a == nullptr) at.insert_changed();
  if (b == nullptr) at.insert_removed();
}

void compare_maps(const MergeType& type, const json::Object* a, const json::Object* b,
                  ComparedPlace& at) {
  const auto each = [&](boost::json::string_view name, const json::Value* x, const json::Value* y) {
    const MergeType* value = type.value_type(view(name));
    const std::string element = cat("f:", view(name));
    ComparedPlace place(at, element);
    if (value != nullptr) return compare(*value, x, y, place);
    leaf(x, y, place);
  };
  if (a != nullptr) {
    for (const auto& [name, child] : *a) each(name, &child, member(b, view(name)));
  }
  if (b == nullptr) return;
  for (const auto& [name, child] : *b) {
    if (member(a, view(name)) == nullptr) each(name, nullptr, &child);
  }
}

void compare_lists(const MergeType& type, const json::Array* a, const json::Array* b,
                   ComparedPlace& at) {
  using Pairs = std::vector<std::pair<std::string, const json::Value*>>;
  const auto pairs = [&](const json::Array* list) {
    Pairs out;
    if (list == nullptr) return out;
    for (const auto& item : *list) {
      if (auto element = item_element(type, item)) out.emplace_back(std::move(*element), &item);
    }
    return out;
  };
  Pairs left = pairs(a);
  Pairs right = pairs(b);
  const auto item = [&](const std::string& element, const json::Value* const* x,
                        const json::Value* const* y) {
    ComparedPlace place(at, element);
    compare(*type.element, x == nullptr ? nullptr : *x, y == nullptr ? nullptr : *y, place);
  };
  // Items that share an element are one leaf.
  const auto group = [&](const std::string& element, auto olds, auto nows) {
    if (olds.size() >= 2 && nows.size() >= 2) {
      const bool same = std::equal(
          olds.begin(), olds.end(), nows.begin(), nows.end(),
          [](const auto& p, const auto& q) { return same_document(*p.second, *q.second); });
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

void compare(const MergeType& type, const json::Value* a, const json::Value* b, ComparedPlace& at) {
  if (type.kind == Kind::kMap && !type.atomic) {
    const auto* x = map_of(a);
    const auto* y = map_of(b);
    if (empty(x) && empty(y)) return leaf(a, b, at);
    compare_maps(type, x, y, at);
    return presence(a, b, at);
  }
  if (type.kind == Kind::kList && !type.atomic) {
    const auto* x = list_of(a);
    const auto* y = list_of(b);
    if (empty(x) && empty(y)) return leaf(a, b, at);
    compare_lists(type, x, y, at);
    return presence(a, b, at);
  }
  leaf(a, b, at);
}

}  // namespace

Comparison compare_documents(const MergeType& type, const json::Value& old,
                             const json::Value& now) {
  Comparison out;
  ComparedPlace root(out);
  compare(type, &old, &now, root);
  return out;
}

}  // namespace kpp::api
