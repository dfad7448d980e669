// Whether a document fits its type, in the words of the original's typed values.
#include <algorithm>

#include "api/apply/document.h"

namespace kpp::api {
namespace {

using Kind = MergeType::Kind;

std::string_view view(const boost::json::string& text) { return {text.data(), text.size()}; }
std::string_view view(boost::json::string_view text) { return {text.data(), text.size()}; }

// A value as Go's %#v (with `types`) or %v prints it.
std::string go_value(const json::Value& v, bool types) {
  if (const auto* text = v.if_string())
    return types ? quoted(view(*text)) : std::string(view(*text));
  if (const auto* object = v.if_object()) {
    std::vector<std::string> members;
    for (const auto& [name, child] : *object) {
      members.push_back(
          cat(types ? quoted(view(name)) : std::string(view(name)), ":", go_value(child, types)));
    }
    std::sort(members.begin(), members.end());
    return types ? cat("map[string]interface {}{", join(members, ", "), "}")
                 : cat("map[", join(members, " "), "]");
  }
  if (const auto* array = v.if_array()) {
    std::vector<std::string> items;
    for (const auto& child : *array) items.push_back(go_value(child, types));
    return types ? cat("[]interface {}{", join(items, ", "), "}") : cat("[", join(items, " "), "]");
  }
  if (v.is_null()) return types ? "interface {}(nil)" : "<nil>";
  return json::write(v);
}

std::string_view go_type(const json::Value& v) {
  switch (v.kind()) {
    case boost::json::kind::string:
      return "string";
    case boost::json::kind::bool_:
      return "bool";
    case boost::json::kind::array:
      return "[]interface {}";
    case boost::json::kind::object:
      return "map[string]interface {}";
    case boost::json::kind::double_:
      return "float64";
    default:
      return "int64";
  }
}

class Checker {
 public:
  void check(const MergeType& type, const json::Value& v) {
    if (v.is_null()) return;
    switch (type.kind) {
      case Kind::kAny:
        return;
      case Kind::kString:
        if (!v.is_string())
          error(
              cat("expected string, got &value.valueUnstructured{Value:", go_value(v, true), "}"));
        return;
      case Kind::kNumber:
        if (!v.is_number()) error(cat("expected numeric (int or float), got ", go_type(v)));
        return;
      case Kind::kBool:
        if (!v.is_bool()) error(cat("expected boolean, got &{", go_value(v, false), "}"));
        return;
      case Kind::kScalar:
        if (v.is_object() || v.is_array())
          error(cat("expected any scalar, got &{", go_value(v, false), "}"));
        return;
      case Kind::kList:
        return list(type, v);
      case Kind::kMap:
        return map(type, v);
    }
  }
  Status result() const {
    if (errors_.empty()) return {};
    if (errors_.size() == 1) return {Reason::kBadRequest, errors_[0]};
    return {Reason::kBadRequest, cat("errors:\n  ", join(errors_, "\n  "))};
  }

 private:
  void error(std::string_view text) {
    errors_.push_back(path_.empty() ? std::string(text) : cat(path_, ": ", text));
  }

  void below(std::string_view element, const MergeType& type, const json::Value& v) {
    const std::size_t size = path_.size();
    path_ += element;
    check(type, v);
    path_.resize(size);
  }

  void list(const MergeType& type, const json::Value& v) {
    const auto* array = v.if_array();
    if (array == nullptr) return error(cat("expected list, got &{", go_value(v, false), "}"));
    std::vector<std::string> seen;
    for (std::size_t i = 0; i < array->size(); ++i) {
      const json::Value& item = (*array)[i];
      if (type.atomic) {
        below(cat("[", i, "]"), *type.element, item);
        continue;
      }
      const auto element = item_element(type, item);
      if (!element) return error(cat("element ", i, ": ", element.error().message()));
      const std::string text = element_text(*element);
      if (std::find(seen.begin(), seen.end(), *element) != seen.end()) {
        error(cat("duplicate entries for key ", text));
      }
      seen.push_back(*element);
      below(text, *type.element, item);
    }
  }

  void map(const MergeType& type, const json::Value& v) {
    const auto* object = v.if_object();
    if (object == nullptr) return error(cat("expected map, got &{", go_value(v, false), "}"));
    for (const auto& [name, child] : *object) {
      const MergeType* value = type.value_type(view(name));
      const std::string element = cat(".", view(name));
      if (value == nullptr) {
        const std::size_t size = path_.size();
        path_ += element;
        error("field not declared in schema");
        path_.resize(size);
        return;
      }
      below(element, *value, child);
    }
  }

  std::string path_;
  std::vector<std::string> errors_;
};

}  // namespace

Status check_document(const MergeType& type, const json::Value& document) {
  Checker checker;
  checker.check(type, document);
  return checker.result();
}

}  // namespace kpp::api
