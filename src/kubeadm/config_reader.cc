#include "kubeadm/config_reader.h"

#include <charconv>

namespace kpp::kubeadm {

const json::Value* FieldReader::find(std::string_view name) {
  known_.emplace(name);
  const json::Value* const value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void FieldReader::wrong(std::string_view name, std::string_view expected) {
  if (status_.ok()) status_ = {Reason::kInvalid, cat(path_of(name), ": must be ", expected)};
}

void FieldReader::text(std::string_view name, std::string& out) {
  const json::Value* const value = find(name);
  if (value == nullptr) return;
  if (!value->is_string()) return wrong(name, "a string");
  out = std::string_view(value->get_string());
}

void FieldReader::flag(std::string_view name, bool& out) {
  const json::Value* const value = find(name);
  if (value == nullptr) return;
  if (!value->is_bool()) return wrong(name, "true or false");
  out = value->get_bool();
}

void FieldReader::number(std::string_view name, int& out) {
  const json::Value* const value = find(name);
  if (value == nullptr) return;
  const bool fits =
      value->is_int64() && value->get_int64() >= INT32_MIN && value->get_int64() <= INT32_MAX;
  if (!fits) return wrong(name, "a number");
  out = static_cast<int>(value->get_int64());
}

void FieldReader::texts(std::string_view name, std::vector<std::string>& out) {
  const json::Value* const value = find(name);
  if (value == nullptr) return;
  if (!value->is_array()) return wrong(name, "a list of strings");
  out.clear();
  for (const json::Value& item : value->get_array()) {
    if (!item.is_string()) return wrong(name, "a list of strings");
    out.emplace_back(std::string_view(item.get_string()));
  }
}

void FieldReader::read_duration(std::string_view name, std::chrono::seconds& out) {
  std::string text;
  this->text(name, text);
  if (text.empty()) return;
  const auto parsed = parse_duration(text);
  if (!parsed) return wrong(name, "a duration like 24h0m0s");
  out = *parsed;
}

const json::Object* FieldReader::object(std::string_view name) {
  const json::Value* const value = find(name);
  if (value == nullptr) return nullptr;
  if (value->is_object()) return &value->get_object();
  wrong(name, "an object");
  return nullptr;
}

std::vector<const json::Object*> FieldReader::objects(std::string_view name) {
  std::vector<const json::Object*> out;
  const json::Value* const value = find(name);
  if (value == nullptr) return out;
  if (!value->is_array()) {
    wrong(name, "a list of objects");
    return out;
  }
  for (const json::Value& item : value->get_array()) {
    if (item.is_object()) {
      out.push_back(&item.get_object());
    } else {
      wrong(name, "a list of objects");
    }
  }
  return out;
}

std::vector<std::string> FieldReader::unknown() const {
  std::vector<std::string> out;
  for (const auto& member : object_) {
    const std::string_view key(member.key().data(), member.key().size());
    if (!known_.contains(key)) out.push_back(path_of(key));
  }
  return out;
}

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto wrong = [&] { return fail(Reason::kInvalid, cat("invalid duration ", quoted(text))); };
  std::string_view rest = text;
  if (rest == "0") return std::chrono::seconds(0);
  double seconds = 0;
  if (rest.empty()) return wrong();
  while (!rest.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) return wrong();
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.starts_with("ms")) {
      seconds += number / 1000;
      rest.remove_prefix(2);
      continue;
    }
    if (rest.empty()) return wrong();
    if (rest[0] == 'h') {
      seconds += number * 3600;
    } else if (rest[0] == 'm') {
      seconds += number * 60;
    } else if (rest[0] == 's') {
      seconds += number;
    } else {
      return wrong();
    }
    rest.remove_prefix(1);
  }
  if (!(seconds < 1e11)) return wrong();
  return std::chrono::seconds(static_cast<std::int64_t>(seconds));
}

std::string duration_text(std::chrono::seconds duration) {
  const auto total = duration.count();
  if (total >= 3600) return cat(total / 3600, "h", total / 60 % 60, "m", total % 60, "s");
  if (total >= 60) return cat(total / 60, "m", total % 60, "s");
  return cat(total, "s");
}

}  // namespace kpp::kubeadm
