#include <algorithm>

#include "api/patch/patch.h"

namespace kpp::api {
namespace {

constexpr std::string_view kDirective = "$patch";
constexpr std::string_view kRetainKeys = "$retainKeys";
constexpr std::string_view kOrder = "$setElementOrder";
constexpr std::string_view kDelete = "$deleteFromPrimitiveList";

std::string_view view(const boost::json::string& s) { return {s.data(), s.size()}; }
std::string_view view(boost::json::string_view s) { return {s.data(), s.size()}; }

// What the schema says about a list.
struct ListRule {
  const TypeDesc* item = nullptr;  // nullptr: scalars
  bool merges = false;
  std::string_view key;
};

const json::Value* key_of(const json::Value& item, std::string_view key) {
  if (key.empty()) return &item;
  const auto* object = item.if_object();
  return object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
}

std::ptrdiff_t position(const json::Array& list, const json::Value& item, std::string_view key) {
  const auto* wanted = key_of(item, key);
  for (std::size_t i = 0; wanted != nullptr && i < list.size(); ++i) {
    const auto* has = key_of(list[i], key);
    if (has != nullptr && *has == *wanted) return static_cast<std::ptrdiff_t>(i);
  }
  return -1;
}

void sort_like(std::vector<json::Value>& items, const json::Array& order, std::string_view key) {
  std::vector<std::pair<std::ptrdiff_t, json::Value>> ranked;
  for (auto& item : items) ranked.emplace_back(position(order, item, key), std::move(item));
  // Insertion keeps equal ranks in order.
  for (std::size_t i = 1; i < ranked.size(); ++i) {
    for (std::size_t k = i; k > 0 && ranked[k].first < ranked[k - 1].first; --k)
      std::swap(ranked[k], ranked[k - 1]);
  }
  items.clear();
  for (auto& [rank, item] : ranked) items.push_back(std::move(item));
}

// Items named by the patch stand in its order; the others keep theirs and are woven in by the
// original's order.
json::Array arrange(const json::Array& merged, const json::Array& patch_order,
                    const json::Array& server_order, std::string_view key) {
  std::vector<json::Value> patched;
  std::vector<json::Value> others;
  for (const auto& item : merged) {
    (position(patch_order, item, key) >= 0 ? patched : others).push_back(item);
  }
  sort_like(patched, patch_order, key);
  sort_like(others, server_order, key);
  json::Array out;
  std::size_t i = 0;
  std::size_t k = 0;
  while (i < others.size() || k < patched.size()) {
    bool other = k >= patched.size();
    if (!other && i < others.size()) {
      const auto left = position(server_order, others[i], key);
      const auto right = position(server_order, patched[k], key);
      other = left >= 0 && right >= 0 && left < right;
    }
    out.push_back(other ? std::move(others[i++]) : std::move(patched[k++]));
  }
  return out;
}

Status internal(std::string text) { return {Reason::kInternalError, std::move(text)}; }

Status merge_map(json::Object& original, const json::Object& patch, const TypeDesc* desc);

bool is_directive(std::string_view name) { return name.starts_with("$"); }

bool has_directive(const json::Value& v) {
  const auto* object = v.if_object();
  return object != nullptr && object->if_contains(kDirective.data()) != nullptr;
}

// A part of the patch that the original does not have: without directives and nulls. Objects in it
// that carry a directive of their own have nothing to work on and are left out.
Status take(const json::Value& patch, json::Value& out, const ListRule& rule,
            const TypeDesc* desc) {
  if (const auto* object = patch.if_object()) {
    json::Object fresh;
    KPP_RETURN_IF_ERROR(merge_map(fresh, *object, desc));
    out = std::move(fresh);
    return {};
  }
  const auto* array = patch.if_array();
  if (array == nullptr) {
    out = patch;
    return {};
  }
  json::Array items;
  for (const auto& item : *array) {
    if (has_directive(item)) continue;
    json::Value taken;
    KPP_RETURN_IF_ERROR(take(item, taken, {}, rule.item));
    items.push_back(std::move(taken));
  }
  out = std::move(items);
  return {};
}

Status missing_key(const json::Value& item, std::string_view key) {
  return internal(cat("map: ", go_text(item), " does not contain declared merge key: ", key));
}

// Merges the patch's items into `list`, appending new ones.
Status merge_items(json::Array& list, const json::Array& patch, const ListRule& rule,
                   json::Array& plain) {
  bool replace = false;
  for (const auto& item : patch) {
    const auto* object = item.if_object();
    const auto* directive = object == nullptr ? nullptr : object->if_contains(kDirective.data());
    if (directive == nullptr) {
      plain.push_back(item);
      continue;
    }
    if (*directive == "replace") {
      replace = true;
    } else if (*directive == "delete") {
      if (key_of(item, rule.key) == nullptr) return missing_key(item, rule.key);
      for (auto at = position(list, item, rule.key); at >= 0; at = position(list, item, rule.key)) {
        list.erase(list.begin() + at);
      }
    } else if (*directive == "merge") {
      return internal("merging lists cannot yet be specified in the patch");
    } else {
      return internal(cat("unknown patch type: ", go_text(*directive), " in map: ", go_text(item)));
    }
  }
  if (replace) {
    json::Value taken;
    KPP_RETURN_IF_ERROR(take(plain, taken, rule, nullptr));
    list = std::move(taken.get_array());
    return {};
  }
  for (const auto& item : plain) {
    if (rule.item != nullptr && key_of(item, rule.key) == nullptr)
      return missing_key(item, rule.key);
    const auto at = position(list, item, rule.key);
    if (at < 0) {
      json::Value taken;
      KPP_RETURN_IF_ERROR(take(item, taken, {}, rule.item));
      list.push_back(std::move(taken));
    } else if (rule.item != nullptr) {
      json::Value& target = list[static_cast<std::size_t>(at)];
      if (target.is_object() && item.is_object()) {
        KPP_RETURN_IF_ERROR(merge_map(target.get_object(), item.get_object(), rule.item));
      }
    }
  }
  return {};
}

Status merge_list(json::Value& original, const json::Array* patch, const json::Array* order,
                  const ListRule& rule) {
  const json::Array server = original.is_array() ? original.get_array() : json::Array();
  json::Array merged = server;
  json::Array plain;
  if (patch != nullptr) KPP_RETURN_IF_ERROR(merge_items(merged, *patch, rule, plain));
  if (order != nullptr) {
    std::ptrdiff_t last = -1;
    for (const auto& item : plain) {
      const auto at = position(*order, item, rule.key);
      if (at <= last) {
        return internal(cat("The order in patch list:\n", go_text(plain), "\n doesn't match ",
                            kOrder, " list:\n", go_text(*order), "\n"));
      }
      last = at;
    }
  }
  original = arrange(merged, order != nullptr ? *order : plain, server, rule.key);
  return {};
}

Status retain_keys(json::Object& original, const json::Object& patch) {
  const auto* keys = patch.if_contains(kRetainKeys.data());
  if (keys == nullptr) return {};
  const auto bad = [] { return Status(Reason::kBadRequest, "invalid patch format of retainKeys"); };
  const auto* list = keys->if_array();
  if (list == nullptr) return bad();
  const auto kept = [&](std::string_view name) {
    return std::any_of(list->begin(), list->end(), [&](const json::Value& v) {
      return v.is_string() && view(v.get_string()) == name;
    });
  };
  // What the patch takes away need not be kept.
  for (const auto& member : patch) {
    const bool checked = !member.value().is_null() && !is_directive(view(member.key()));
    if (checked && !kept(view(member.key()))) return bad();
  }
  std::vector<std::string> gone;
  for (const auto& member : original) {
    if (!kept(view(member.key()))) gone.emplace_back(view(member.key()));
  }
  for (const auto& name : gone) original.erase(name);
  return {};
}

ListRule list_rule(const FieldDesc* field) {
  if (field == nullptr) return {};
  ListRule out;
  out.item = field->type == FieldType::kMessage ? field->message() : nullptr;
  out.merges = field->patch_strategy.find("merge") != std::string_view::npos;
  out.key = field->patch_merge_key;
  return out;
}

const TypeDesc* inner_type(const FieldDesc* field) {
  return field != nullptr && field->type == FieldType::kMessage ? field->message() : nullptr;
}

void delete_values(json::Object& original, std::string_view name, const json::Value& values) {
  auto* list = original.if_contains({name.data(), name.size()});
  if (list == nullptr || !list->is_array() || !values.is_array()) return;
  auto& items = list->get_array();
  for (const auto& value : values.get_array()) {
    for (auto at = position(items, value, {}); at >= 0; at = position(items, value, {}))
      items.erase(items.begin() + at);
  }
}

Status merge_member(json::Object& original, boost::json::string_view name,
                    const json::Value& change, const json::Object& patch, const TypeDesc* desc) {
  const FieldDesc* field = desc == nullptr ? nullptr : desc->find(view(name));
  if (change.is_null()) {
    original.erase(name);
    return {};
  }
  json::Value* has = original.if_contains(name);
  const ListRule rule = list_rule(field);
  const bool of_map = field != nullptr && field->cardinality == Cardinality::kMap;
  if (has == nullptr || has->kind() != change.kind()) {
    if (has_directive(change)) {
      original.erase(name);
      return {};
    }
    json::Value taken;
    KPP_RETURN_IF_ERROR(take(change, taken, rule, of_map ? nullptr : inner_type(field)));
    original[name] = std::move(taken);
    return {};
  }
  if (change.is_object()) {
    if (field != nullptr && field->patch_strategy == "replace") {
      return take(change, *has, rule, inner_type(field));
    }
    return merge_map(has->get_object(), change.get_object(), of_map ? nullptr : inner_type(field));
  }
  if (!change.is_array()) {
    *has = change;
    return {};
  }
  if (!rule.merges) return take(change, *has, rule, nullptr);
  const auto* order = patch.if_contains(cat(kOrder, "/", view(name)));
  return merge_list(*has, &change.get_array(), order == nullptr ? nullptr : order->if_array(),
                    rule);
}

Status merge_map(json::Object& original, const json::Object& patch, const TypeDesc* desc) {
  if (const auto* directive = patch.if_contains(kDirective.data())) {
    if (*directive == "delete") {
      original.clear();
      return {};
    }
    if (*directive != "replace") {
      return internal(
          cat("unknown patch type: ", go_text(*directive), " in map: ", go_text(patch)));
    }
    original.clear();
  }
  KPP_RETURN_IF_ERROR(retain_keys(original, patch));
  for (const auto& [name, change] : patch) {
    const std::string_view text = view(name);
    if (text.starts_with(kDelete) && text.size() > kDelete.size() + 1) {
      delete_values(original, text.substr(kDelete.size() + 1), change);
    }
  }
  for (const auto& [name, change] : patch) {
    const std::string_view text = view(name);
    if (text.starts_with(kOrder) && text.size() > kOrder.size() + 1) {
      const std::string_view list = text.substr(kOrder.size() + 1);
      if (patch.if_contains({list.data(), list.size()}) != nullptr) continue;
      json::Value* has = original.if_contains({list.data(), list.size()});
      const ListRule rule = list_rule(desc == nullptr ? nullptr : desc->find(list));
      if (has == nullptr || !rule.merges || !change.is_array()) continue;
      KPP_RETURN_IF_ERROR(merge_list(*has, nullptr, &change.get_array(), rule));
    } else if (!is_directive(text) || text == "$ref" || text == "$schema") {
      KPP_RETURN_IF_ERROR(merge_member(original, name, change, patch, desc));
    }
  }
  return {};
}

}  // namespace

Result<json::Value> apply_strategic_patch(json::Value document, const json::Value& patch,
                                          const TypeDesc& desc) {
  if (patch.is_null()) return document;
  const auto* changes = patch.if_object();
  if (changes == nullptr) {
    const std::string_view kind = patch.is_array()    ? "array"
                                  : patch.is_string() ? "string"
                                  : patch.is_bool()   ? "bool"
                                                      : "number";
    return fail(Reason::kBadRequest, cat("json: cannot unmarshal ", kind,
                                         " into Go value of type map[string]interface {}"));
  }
  if (!document.is_object()) document = json::Object();
  KPP_RETURN_IF_ERROR(merge_map(document.get_object(), *changes, &desc));
  return document;
}

std::string go_text(const json::Value& v) {
  if (v.is_null()) return "<nil>";
  if (const auto* s = v.if_string()) return std::string(view(*s));
  std::string out;
  if (const auto* array = v.if_array()) {
    for (const auto& item : *array) out += cat(out.empty() ? "" : " ", go_text(item));
    return cat("[", out, "]");
  }
  if (const auto* object = v.if_object()) {
    std::vector<std::string_view> names;
    for (const auto& member : *object) names.push_back(view(member.key()));
    std::sort(names.begin(), names.end());
    for (const auto name : names) {
      out +=
          cat(out.empty() ? "" : " ", name, ":", go_text(object->at({name.data(), name.size()})));
    }
    return cat("map[", out, "]");
  }
  return json::write(v);
}

}  // namespace kpp::api
