#include <charconv>
#include <optional>

#include "api/patch/patch.h"

namespace kpp::api {
namespace {

constexpr std::size_t kMaxOperations = 10000;

std::string_view kind_text(const json::Value& v) {
  if (v.is_object()) return "object";
  if (v.is_array()) return "array";
  if (v.is_string()) return "string";
  if (v.is_bool()) return "bool";
  return "number";
}

// A JSON pointer; nullopt if it does not begin with a slash.
std::optional<std::vector<std::string>> split(std::string_view pointer) {
  std::vector<std::string> out;
  if (pointer.empty()) return out;
  if (pointer.front() != '/') return std::nullopt;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      out.emplace_back();
    } else if (pointer[i] == '~' && i + 1 < pointer.size() &&
               (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      out.back().push_back(pointer[++i] == '0' ? '~' : '/');
    } else {
      out.back().push_back(pointer[i]);
    }
  }
  return out;
}

// The position in an array; up to `size` inclusive if `end` is allowed. Negative ones count from
// behind.
std::optional<std::size_t> index(std::string_view text, std::size_t size, bool end) {
  if (text == "-") return end ? std::optional(size) : std::nullopt;
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size())
    return std::nullopt;
  const auto count = static_cast<std::int64_t>(size);
  if (value < 0) value += count + (end ? 1 : 0);
  if (value < 0 || value > count || (value == count && !end)) return std::nullopt;
  return static_cast<std::size_t>(value);
}

class Patcher {
 public:
  explicit Patcher(json::Value& root) : root_(root) {}

  bool apply(const json::Object& operation) {
    const auto text = [&](const char* name) -> std::optional<std::vector<std::string>> {
      const auto* v = operation.if_contains(name);
      if (v == nullptr || !v->is_string()) return std::nullopt;
      return split({v->get_string().data(), v->get_string().size()});
    };
    const auto* op = operation.if_contains("op");
    const auto path = text("path");
    if (op == nullptr || !op->is_string() || !path) return false;
    const auto* given = operation.if_contains("value");
    const json::Value null;
    const json::Value& value = given != nullptr ? *given : null;
    const auto& name = op->get_string();
    if (name == "add") return given != nullptr && add(*path, value);
    if (name == "remove") return remove(*path);
    if (name == "replace") return given != nullptr && replace(*path, value);
    if (name == "test") return test(*path, value);
    const auto from = text("from");
    if (!from) return false;
    if (name == "copy") {
      const auto source = get(*from);
      return source && add(*path, *source);
    }
    if (name == "move") {
      const auto source = get(*from);
      return source && remove(*from) && add(*path, *source);
    }
    return false;
  }

 private:
  using Path = std::vector<std::string>;

  // What holds the last part of the path.
  json::Value* parent(const Path& path) {
    json::Value* at = &root_;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
      if (auto* object = at->if_object()) {
        at = object->if_contains(path[i]);
      } else if (auto* array = at->if_array()) {
        const auto position = index(path[i], array->size(), false);
        at = position ? &(*array)[*position] : nullptr;
      } else {
        return nullptr;
      }
      if (at == nullptr) return nullptr;
    }
    return at->is_object() || at->is_array() ? at : nullptr;
  }

  // A missing member of an object reads as null.
  std::optional<json::Value> get(const Path& path) {
    if (path.empty()) return root_;
    const json::Value* holder = parent(path);
    if (holder == nullptr) return std::nullopt;
    if (const auto* object = holder->if_object()) {
      const auto* found = object->if_contains(path.back());
      return found != nullptr ? *found : json::Value(nullptr);
    }
    const auto position = index(path.back(), holder->get_array().size(), false);
    if (!position) return std::nullopt;
    return holder->get_array()[*position];
  }

  bool add(const Path& path, const json::Value& value) {
    if (path.empty()) {
      root_ = value;
      return true;
    }
    json::Value* holder = parent(path);
    if (holder == nullptr) return false;
    if (auto* object = holder->if_object()) {
      (*object)[path.back()] = value;
      return true;
    }
    auto& array = holder->get_array();
    const auto position = index(path.back(), array.size(), true);
    if (!position) return false;
    array.insert(array.begin() + static_cast<std::ptrdiff_t>(*position), value);
    return true;
  }

  bool replace(const Path& path, const json::Value& value) {
    if (path.empty()) return add(path, value);
    json::Value* holder = parent(path);
    if (holder == nullptr) return false;
    if (holder->is_object()) return add(path, value);
    const auto position = index(path.back(), holder->get_array().size(), false);
    if (!position) return false;
    holder->get_array()[*position] = value;
    return true;
  }

  bool remove(const Path& path) {
    if (path.empty()) return false;
    json::Value* holder = parent(path);
    if (holder == nullptr) return false;
    if (auto* object = holder->if_object()) return object->erase(path.back()) == 1;
    auto& array = holder->get_array();
    const auto position = index(path.back(), array.size(), false);
    if (!position) return false;
    array.erase(array.begin() + static_cast<std::ptrdiff_t>(*position));
    return true;
  }

  bool test(const Path& path, const json::Value& value) {
    const auto found = get(path);
    return found && *found == value;
  }

  json::Value& root_;
};

}  // namespace

Result<json::Value> apply_json_patch(json::Value document, const json::Value& patch) {
  const auto wrong = [](const json::Value& v, std::string_view type) {
    return fail(Reason::kBadRequest, cat("error decoding patch: json: cannot unmarshal ",
                                         kind_text(v), " into Go value of type ", type));
  };
  if (patch.is_null()) return document;
  const auto* operations = patch.if_array();
  if (operations == nullptr) return wrong(patch, "[]handlers.jsonPatchOp");
  if (operations->size() > kMaxOperations) {
    return fail(Reason::kRequestEntityTooLarge,
                cat("The allowed maximum operations in a JSON patch is ", kMaxOperations, ", got ",
                    operations->size()));
  }
  for (const auto& operation : *operations) {
    if (!operation.is_object()) return wrong(operation, "handlers.jsonPatchOp");
  }
  Patcher patcher(document);
  for (const auto& operation : *operations) {
    if (!patcher.apply(operation.get_object())) {
      return fail(Reason::kInvalid,
                  "the server rejected our request due to an error in our request");
    }
  }
  return document;
}

namespace {

void merge(json::Value& target, const json::Value& patch) {
  const auto* changes = patch.if_object();
  if (changes == nullptr) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = json::Object();
  auto& object = target.get_object();
  for (const auto& [name, value] : *changes) {
    if (value.is_null()) {
      object.erase(name);
    } else {
      merge(object[name], value);
    }
  }
}

}  // namespace

Result<json::Value> apply_merge_patch(json::Value document, const json::Value& patch) {
  if (patch.is_null()) return fail(Reason::kBadRequest, "Invalid JSON Patch");
  if (!patch.is_object()) {
    return fail(Reason::kBadRequest,
                cat("error decoding patch: json: cannot unmarshal ", kind_text(patch),
                    " into Go value of type map[string]interface {}"));
  }
  merge(document, patch);
  return document;
}

}  // namespace kpp::api
