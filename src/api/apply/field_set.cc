#include "api/apply/field_set.h"

#include <algorithm>
#include <charconv>

#include "codec/json.h"

namespace kpp::api {
namespace {

int rank(std::string_view element) {
  switch (element.empty() ? ' ' : element[0]) {
    case 'f':
      return 0;
    case 'k':
      return 1;
    case 'v':
      return 2;
    default:
      return 3;
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the front.
std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view out = text.substr(0, n);
  text.remove_prefix(n);
  return out;
}

// Order of two JSON texts of one shape: numbers outside of strings by size, the rest by bytes.
int compare_json(std::string_view a, std::string_view b) {
  bool in_string = false;
  while (!a.empty() && !b.empty()) {
    if (!in_string && is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view x = take_digits(a);
      const std::string_view y = take_digits(b);
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
      if (const int order = x.compare(y); order != 0) return order;
      continue;
    }
    if (a[0] != b[0]) {
      return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]) ? -1 : 1;
    }
    if (a[0] == '\\' && a.size() > 1 && b.size() > 1 && a[1] == b[1]) {
      a.remove_prefix(2);
      b.remove_prefix(2);
      continue;
    }
    if (a[0] == '"') in_string = !in_string;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

bool before(std::string_view a, std::string_view b) {
  const int ra = rank(a);
  const int rb = rank(b);
  if (ra != rb) return ra < rb;
  return ra == 0 ? a < b : compare_json(a, b) < 0;
}

}  // namespace

class FieldSetReader {
 public:
  static bool read(const json::Value& value, FieldSet& out, bool root) {
    const auto* object = value.if_object();
    if (object == nullptr) return false;
    if (object->empty() && !root) out.member_ = true;
    out.children_.reserve(object->size());
    for (const auto& [name, child] : *object) {
      if (name == ".") {
        out.member_ = true;
        continue;
      }
      if (name.size() < 2 || name[1] != ':') return false;
      if (!good({name.data(), name.size()})) return false;
      if (!read(child, out.at({name.data(), name.size()}), false)) return false;
    }
    return true;
  }

 private:
  static bool good(std::string_view element) {
    const std::string_view text = element.substr(2);
    switch (element[0]) {
      case 'f':
        return true;
      case 'k': {
        const auto keys = json::parse(text);
        return keys && keys->is_object();
      }
      case 'v':
        return json::parse(text).has_value();
      case 'i': {
        std::int64_t index = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
        return error == std::errc() && end == text.data() + text.size();
      }
      default:
        return false;
    }
  }
};

std::size_t FieldSet::place_of(std::string_view element) const {
  if (children_.empty() || before(children_.back().element, element)) return children_.size();
  const auto it = std::lower_bound(
      children_.begin(), children_.end(), element,
      [](const Child& child, std::string_view e) { return before(child.element, e); });
  return static_cast<std::size_t>(it - children_.begin());
}

FieldSet& FieldSet::at(std::string_view element) {
  const std::size_t place = place_of(element);
  if (place == children_.size()) return children_.emplace_back(Child{std::string(element), {}}).set;
  if (children_[place].element == element) return children_[place].set;
  const auto it = children_.begin() + static_cast<std::ptrdiff_t>(place);
  return children_.insert(it, Child{std::string(element), {}})->set;
}

const FieldSet* FieldSet::find(std::string_view element) const {
  const std::size_t place = place_of(element);
  return place < children_.size() && children_[place].element == element ? &children_[place].set
                                                                         : nullptr;
}

void FieldSet::add(const FieldSet& other) {
  member_ = member_ || other.member_;
  for (const auto& [element, child] : other.children_) at(element).add(child);
}

void FieldSet::remove(const FieldSet& other) {
  if (other.member_) member_ = false;
  if (other.children_.empty()) return;
  std::erase_if(children_, [&](Child& child) {
    const FieldSet* theirs = other.find(child.element);
    if (theirs != nullptr) child.set.remove(*theirs);
    return child.set.empty();
  });
}

FieldSet FieldSet::common(const FieldSet& other) const {
  FieldSet out;
  out.member_ = member_ && other.member_;
  for (const auto& [element, child] : children_) {
    const FieldSet* theirs = other.find(element);
    if (theirs == nullptr) continue;
    FieldSet both = child.common(*theirs);
    if (!both.empty()) out.children_.push_back({element, std::move(both)});
  }
  return out;
}

void FieldSet::remove_below(std::span<const std::string_view> path) {
  if (path.empty()) return;
  std::erase_if(children_, [&](Child& child) {
    if (rank(child.element) != 0 || std::string_view(child.element).substr(2) != path[0])
      return false;
    if (path.size() == 1) return true;
    child.set.remove_below(path.subspan(1));
    return child.set.empty();
  });
}

void FieldSet::keep_below(std::span<const std::span<const std::string_view>> paths) {
  std::erase_if(children_, [&](Child& child) {
    std::vector<std::span<const std::string_view>> below;
    for (const auto& path : paths) {
      const bool fits = path[0] == "*" || (rank(child.element) == 0 &&
                                           std::string_view(child.element).substr(2) == path[0]);
      if (!fits) continue;
      if (path.size() == 1) return false;
      below.push_back(path.subspan(1));
    }
    if (below.empty()) return true;
    child.set.keep_below(below);
    return child.set.empty();
  });
}

FieldSet FieldSet::with_named_fields(const MergeType* type) const {
  FieldSet out;
  out.member_ = member_;
  out.children_.reserve(children_.size());
  for (const auto& [element, child] : children_) {
    const bool named = rank(element) == 0;
    const MergeType* below = nullptr;
    bool declared = false;
    if (type != nullptr && named && type->kind == MergeType::Kind::kMap) {
      below = type->value_type(std::string_view(element).substr(2), &declared);
    } else if (type != nullptr && rank(element) == 1 && type->kind == MergeType::Kind::kList) {
      below = type->element;
    }
    FieldSet set = child.with_named_fields(below);
    if (declared && set.has_children()) set.member_ = true;
    out.children_.push_back({element, std::move(set)});
  }
  return out;
}

void FieldSet::fit(const MergeType& type) {
  if (type.kind != MergeType::Kind::kMap && type.kind != MergeType::Kind::kList) return;
  if (type.atomic) {
    if (children_.empty()) return;
    children_.clear();
    member_ = true;
    return;
  }
  for (auto& [element, child] : children_) {
    const MergeType* below = type.kind == MergeType::Kind::kMap && rank(element) == 0
                                 ? type.value_type(std::string_view(element).substr(2))
                                 : type.element;
    if (below != nullptr) child.fit(*below);
  }
}

Result<FieldSet> FieldSet::parse(std::string_view text) {
  KPP_ASSIGN(const json::Value value, json::parse(text));
  FieldSet out;
  if (!FieldSetReader::read(value, out, true)) return fail(Reason::kBadRequest, "invalid fieldsV1");
  out.member_ = false;
  return out;
}

void FieldSet::write(std::string& out, bool root) const {
  out.push_back('{');
  if (member_ && !children_.empty() && !root) out += "\".\":{}";
  for (const auto& [element, child] : children_) {
    if (out.back() != '{') out.push_back(',');
    json::write_string(out, element);
    out.push_back(':');
    child.write(out, false);
  }
  out.push_back('}');
}

std::string FieldSet::to_json() const {
  std::string out;
  write(out, true);
  return out;
}

namespace {

std::string value_text(const json::Value& value) {
  if (const auto* text = value.if_string())
    return quoted(std::string_view(text->data(), text->size()));
  return json::write(value);
}

}  // namespace

std::string element_text(std::string_view element) {
  const std::string_view text = element.substr(2);
  if (element[0] == 'f') return cat(".", text);
  if (element[0] == 'i') return cat("[", text, "]");
  const auto value = json::parse(text);
  if (!value) return cat("[", text, "]");
  if (element[0] == 'v') return cat("[=", value_text(*value), "]");
  std::vector<std::string> keys;
  if (const auto* object = value->if_object()) {
    for (const auto& [name, key] : *object) {
      keys.push_back(cat(std::string_view(name.data(), name.size()), "=", value_text(key)));
    }
  }
  std::sort(keys.begin(), keys.end());
  return cat("[", join(keys, ","), "]");
}

void FieldSet::list(std::string& path, std::vector<std::string>& out) const {
  for (const auto& [element, child] : children_) {
    if (child.member_) out.push_back(cat(path, element_text(element)));
  }
  for (const auto& [element, child] : children_) {
    if (child.children_.empty()) continue;
    const std::size_t size = path.size();
    path += element_text(element);
    child.list(path, out);
    path.resize(size);
  }
}

std::vector<std::string> FieldSet::paths() const {
  std::vector<std::string> out;
  std::string path;
  list(path, out);
  return out;
}

}  // namespace kpp::api
