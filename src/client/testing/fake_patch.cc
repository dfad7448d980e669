#include "client/testing/fake_patch.h"

#include <algorithm>
#include <string>
#include <vector>

#include "api/selectors.h"

namespace kpp::client::testing {
namespace {

std::string text_of(const json::Value* value) {
  if (!value || value->is_null()) return {};
  if (value->is_string()) return std::string(value->get_string());
  return json::write(*value);
}

void merge_lists(json::Array& target, const json::Array& patch, std::string_view key,
                 const api::TypeDesc* type) {
  for (const auto& item : patch) {
    if (key.empty()) {  // a list of scalars is a set
      if (std::find(target.begin(), target.end(), item) == target.end()) target.push_back(item);
      continue;
    }
    const json::Value* id = item.is_object() ? item.get_object().if_contains(key) : nullptr;
    auto same = std::find_if(target.begin(), target.end(), [&](const json::Value& t) {
      const json::Value* other = t.is_object() ? t.get_object().if_contains(key) : nullptr;
      return id && other && *id == *other;
    });
    const bool removes = json::text_at(item, "$patch") == "delete";
    if (same == target.end()) {
      if (!removes) target.push_back(item);
    } else if (removes) {
      target.erase(same);
    } else {
      strategic_patch(*same, item, type);
    }
  }
}

constexpr std::string_view kDeleteFromList = "$deleteFromPrimitiveList/";

void remove_from_list(json::Value& list, const json::Value& items) {
  if (!list.is_array() || !items.is_array()) return;
  json::Array kept;
  for (const auto& item : list.get_array()) {
    const auto& gone = items.get_array();
    if (std::find(gone.begin(), gone.end(), item) == gone.end()) kept.push_back(item);
  }
  list = std::move(kept);
}

}  // namespace

void merge_patch(json::Value& target, const json::Value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::Object();
  for (const auto& [name, value] : patch.get_object()) {
    if (value.is_null()) {
      target.get_object().erase(name);
    } else {
      merge_patch(target.get_object()[name], value);
    }
  }
}

void strategic_patch(json::Value& target, const json::Value& patch, const api::TypeDesc* type) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::Object();
  for (const auto& [name, value] : patch.get_object()) {
    if (name.starts_with(kDeleteFromList)) {
      remove_from_list(target.get_object()[name.substr(kDeleteFromList.size())], value);
      continue;
    }
    if (name.starts_with("$")) continue;
    if (value.is_null()) {
      target.get_object().erase(name);
      continue;
    }
    const api::FieldDesc* field = type ? type->find(name) : nullptr;
    const api::TypeDesc* inner = field && field->type == api::FieldType::kMessage && field->message
                                     ? field->message()
                                     : nullptr;
    json::Value& slot = target.get_object()[name];
    const bool merges = field && field->patch_strategy.find("merge") != std::string_view::npos;
    if (value.is_array() && merges) {
      if (!slot.is_array()) slot = json::Array();
      merge_lists(slot.get_array(), value.get_array(), field->patch_merge_key, inner);
    } else {
      strategic_patch(slot, value, inner);
    }
  }
}

bool json_patch(json::Value& target, const json::Value& operations) {
  if (!operations.is_array()) return false;
  for (const auto& operation : operations.get_array()) {
    const auto op = json::text_at(operation, "op");
    const std::string path(json::text_at(operation, "path"));
    const auto cut = path.rfind('/');
    if (cut == std::string::npos) return false;
    boost::system::error_code error;
    json::Value* parent = target.find_pointer(path.substr(0, cut), error);
    if (!parent) return false;
    std::string name = path.substr(cut + 1);
    for (std::size_t at = 0; (at = name.find("~1", at)) != std::string::npos;)
      name.replace(at, 2, "/");
    const json::Value* value = operation.get_object().if_contains("value");
    if (parent->is_object()) {
      json::Object& object = parent->get_object();
      if (op == "test") {
        const json::Value* found = object.if_contains(name);
        if (!found || !value || *found != *value) return false;
      } else if (op == "remove") {
        if (object.erase(name) == 0) return false;
      } else if (value) {
        object[name] = *value;
      }
    } else if (parent->is_array()) {
      json::Array& array = parent->get_array();
      const std::size_t index = name == "-" ? array.size() : std::stoul(name);
      if (op == "add" && value && index <= array.size()) {
        array.insert(array.begin() + static_cast<std::ptrdiff_t>(index), *value);
      } else if (index >= array.size()) {
        return false;
      } else if (op == "remove") {
        array.erase(array.begin() + static_cast<std::ptrdiff_t>(index));
      } else if (op == "test") {
        if (!value || array[index] != *value) return false;
      } else if (value) {
        array[index] = *value;
      }
    } else {
      return false;
    }
  }
  return true;
}

bool matches_labels(const json::Value& document, std::string_view selector) {
  if (selector.empty()) return true;
  const auto parsed = api::LabelSelector::parse(selector);
  if (!parsed) return false;
  api::Labels labels;
  const json::Value* all = json::find(document, "metadata.labels");
  if (all && all->is_object()) {
    for (const auto& [key, value] : all->get_object()) labels[std::string(key)] = text_of(&value);
  }
  return parsed->matches(labels);
}

bool matches_fields(const json::Value& document, std::string_view selector) {
  if (selector.empty()) return true;
  const auto parsed = api::FieldSelector::parse(selector);
  if (!parsed) return false;
  return std::all_of(parsed->terms.begin(), parsed->terms.end(), [&](const auto& term) {
    return (text_of(json::find(document, term.field)) == term.value) == term.equals;
  });
}

}  // namespace kpp::client::testing
