#include "api/apply/field_set.h"

#include "codec/json.h"

namespace kpp::api {

class FieldSetReader {
 public:
  static bool read(const json::Value& value, FieldSet& out, bool root) {
    const auto* object = value.if_object();
    if (object == nullptr) return false;
    if (object->empty() && !root) out.member_ = true;
    for (const auto& [name, child] : *object) {
      if (name == ".") {
        out.member_ = true;
        continue;
      }
      if (name.size() < 2 || name[1] != ':' ||
          std::string_view("fkvi").find(name[0]) == std::string_view::npos) {
        return false;
      }
      if (!read(child, out.at({name.data(), name.size()}), false)) return false;
    }
    return true;
  }
};

FieldSet& FieldSet::at(std::string_view element) {
  auto it = children_.find(element);
  if (it == children_.end()) it = children_.emplace(element, FieldSet()).first;
  return it->second;
}

void FieldSet::erase_all(std::string_view path) {
  const auto dot = path.find('.');
  const auto it = children_.find(cat("f:", path.substr(0, dot)));
  if (it == children_.end()) return;
  if (dot == std::string_view::npos) {
    children_.erase(it);
    return;
  }
  it->second.erase_all(path.substr(dot + 1));
  if (it->second.empty()) children_.erase(it);
}

void FieldSet::add(const FieldSet& other) {
  member_ = member_ || other.member_;
  for (const auto& [element, child] : other.children_) at(element).add(child);
}

void FieldSet::remove(const FieldSet& other) {
  if (other.member_) member_ = false;
  for (const auto& [element, child] : other.children_) {
    const auto it = children_.find(element);
    if (it == children_.end()) continue;
    it->second.remove(child);
    if (it->second.empty()) children_.erase(it);
  }
}

bool FieldSet::intersects(const FieldSet& other) const {
  if (member_ && other.member_) return true;
  for (const auto& [element, child] : other.children_) {
    const auto it = children_.find(element);
    if (it != children_.end() && it->second.intersects(child)) return true;
  }
  return false;
}

void FieldSet::prune() {
  for (auto it = children_.begin(); it != children_.end();) {
    it->second.prune();
    it = it->second.empty() ? children_.erase(it) : std::next(it);
  }
}

Result<FieldSet> FieldSet::parse(std::string_view text) {
  KPP_ASSIGN(const json::Value value, json::parse(text));
  FieldSet out;
  if (!FieldSetReader::read(value, out, true)) return fail(Reason::kBadRequest, "invalid fieldsV1");
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

}  // namespace kpp::api
