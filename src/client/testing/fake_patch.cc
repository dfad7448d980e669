#include "client/testing/fake_patch.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kpp::client::testing {
namespace {

std::string_view trim(std::string_view s) {
  while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
  while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
  return s;
}

// Splits at commas outside of parentheses.
std::vector<std::string_view> terms(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      const auto term = trim(text.substr(start, i - start));
      if (!term.empty()) out.push_back(term);
      start = i + 1;
    }
  }
  return out;
}

// key=value, key==value, key!=value; false if it is no comparison.
bool split_comparison(std::string_view term, std::string_view& key, std::string_view& value,
                      bool& equal) {
  const auto at = term.find('=');
  if (at == std::string_view::npos || at == 0) return false;
  equal = term[at - 1] != '!';
  key = trim(term.substr(0, equal ? at : at - 1));
  value = term.substr(at + 1);
  if (!value.empty() && value.front() == '=') value.remove_prefix(1);
  value = trim(value);
  return true;
}

const json::Value* label(const json::Value& document, std::string_view key) {
  const json::Value* labels = json::find(document, "metadata.labels");
  return labels && labels->is_object() ? labels->get_object().if_contains(key) : nullptr;
}

bool in_set(std::string_view values, std::string_view value) {
  const auto all = terms(values);
  return std::find(all.begin(), all.end(), value) != all.end();
}

bool matches_label_term(const json::Value& document, std::string_view term) {
  std::string_view key, value;
  bool equal = true;
  if (const auto open = term.find('('); open != std::string_view::npos) {
    auto head = trim(term.substr(0, open));
    const auto values = term.substr(open + 1, term.size() - open - 2);
    const bool negated = head.ends_with(" notin");
    head = trim(head.substr(0, head.rfind(' ')));
    const json::Value* found = label(document, head);
    const bool is_in = found && found->is_string() && in_set(values, found->get_string());
    return negated ? !is_in : is_in;
  }
  if (split_comparison(term, key, value, equal)) {
    const json::Value* found = label(document, key);
    const bool same = found && found->is_string() && std::string_view(found->get_string()) == value;
    return same == equal;
  }
  if (term.front() == '!') return !label(document, trim(term.substr(1)));
  return label(document, term) != nullptr;
}

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
  for (const auto term : terms(selector)) {
    if (!matches_label_term(document, term)) return false;
  }
  return true;
}

bool matches_fields(const json::Value& document, std::string_view selector) {
  for (const auto term : terms(selector)) {
    std::string_view key, value;
    bool equal = true;
    if (!split_comparison(term, key, value, equal)) return false;
    if ((text_of(json::find(document, key)) == value) != equal) return false;
  }
  return true;
}

}  // namespace kpp::client::testing
