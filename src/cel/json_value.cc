#include "cel/json_value.h"

#include <cmath>

#include "cel/time_text.h"
#include "codec/base64.h"

namespace kpp::cel {
namespace {

constexpr int kDeepest = 200;
constexpr std::size_t kMostValues = 1'000'000;

const TypeRef& param_of(const TypeRef& type, Kind kind, std::size_t index) {
  static const TypeRef kNone;
  return type && type->kind() == kind && index < type->params().size() ? type->params()[index]
                                                                       : kNone;
}

class JsonList final : public List {
 public:
  JsonList(const json::Array& items, TypeRef item, const StructTable* structs)
      : items_(items), item_(std::move(item)), structs_(structs) {}
  std::size_t size() const override { return items_.size(); }
  Value at(std::size_t index) const override { return from_json(items_[index], item_, structs_); }

 private:
  const json::Array& items_;
  TypeRef item_;
  const StructTable* structs_;
};

class JsonMap final : public Map {
 public:
  JsonMap(const json::Object& object, TypeRef type, const StructTable* structs)
      : object_(object), type_(std::move(type)), structs_(structs) {
    if (type_ && type_->kind() == Kind::kStruct && structs_ != nullptr)
      fields_ = structs_->find(type_->name());
  }
  std::size_t size() const override { return object_.size(); }
  std::optional<Value> find(const Value& key) const override {
    const std::string* name = key.text();
    if (name == nullptr) return std::nullopt;
    const auto* member = object_.if_contains(*name);
    if (member == nullptr || (fields_ != nullptr && member->is_null())) return std::nullopt;
    return from_json(*member, type_of(*name), structs_);
  }
  Value key_at(std::size_t index) const override {
    return Value::of(std::string((object_.begin() + static_cast<std::ptrdiff_t>(index))->key()));
  }
  Value value_at(std::size_t index) const override {
    const auto& member = *(object_.begin() + static_cast<std::ptrdiff_t>(index));
    return from_json(member.value(), type_of(std::string_view(member.key())), structs_);
  }
  TypeRef struct_type() const override { return fields_ != nullptr ? type_ : nullptr; }

 private:
  TypeRef type_of(std::string_view name) const {
    if (fields_ != nullptr) {
      const auto it = fields_->find(name);
      return it == fields_->end() ? nullptr : it->second;
    }
    return param_of(type_, Kind::kMap, 1);
  }

  const json::Object& object_;
  TypeRef type_;
  const StructTable* structs_;
  const StructTable::Fields* fields_ = nullptr;
};

Value text_value(const json::Value& document, Kind kind) {
  const std::string_view text = document.get_string();
  if (kind == Kind::kTimestamp) {
    if (const auto time = parse_timestamp(text)) return Value::of(*time);
    return Value::fail("invalid timestamp");
  }
  if (kind == Kind::kDuration) {
    if (const auto duration = parse_duration(text)) return Value::of(*duration);
    return Value::fail("invalid duration");
  }
  if (kind == Kind::kBytes) {
    auto bytes = base64_decode(text);
    if (bytes) return Value::of(Bytes{std::move(*bytes)});
    return Value::fail("illegal base64 data");
  }
  return Value::of(text);
}

std::optional<json::Value> to_json(const Value& value, int depth, std::size_t& left);

std::optional<json::Value> list_to_json(const List& list, int depth, std::size_t& left) {
  json::Array out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = to_json(list.at(i), depth, left);
    if (!item) return std::nullopt;
    out.push_back(std::move(*item));
  }
  return json::Value(std::move(out));
}

std::optional<json::Value> map_to_json(const Map& map, int depth, std::size_t& left) {
  json::Object out;
  for (std::size_t i = 0; i < map.size(); ++i) {
    const Value key = map.key_at(i);
    if (key.text() == nullptr) return std::nullopt;
    auto member = to_json(map.value_at(i), depth, left);
    if (!member) return std::nullopt;
    out[*key.text()] = std::move(*member);
  }
  return json::Value(std::move(out));
}

std::optional<json::Value> to_json(const Value& value, int depth, std::size_t& left) {
  if (depth > kDeepest || left == 0) return std::nullopt;
  --left;
  if (value.is_null()) return json::Value(nullptr);
  if (const auto* v = value.as<bool>()) return json::Value(*v);
  if (const auto* v = value.as<std::int64_t>()) return json::Value(*v);
  if (const auto* v = value.as<std::uint64_t>()) return json::Value(*v);
  if (const auto* v = value.as<double>()) {
    if (!std::isfinite(*v)) return std::nullopt;
    return json::Value(*v);
  }
  if (const auto* v = value.text()) return json::Value(*v);
  if (const auto* v = value.bytes()) return json::Value(base64_encode(v->data));
  if (const auto* v = value.as<Timestamp>()) return json::Value(format_timestamp(*v));
  if (const auto* v = value.as<Duration>()) return json::Value(format_duration(*v));
  if (const auto* v = value.list()) return list_to_json(*v, depth + 1, left);
  if (const auto* v = value.map()) return map_to_json(*v, depth + 1, left);
  return std::nullopt;
}

}  // namespace

Value from_json(const json::Value& document, const TypeRef& type, const StructTable* structs) {
  const Kind kind = type ? type->kind() : Kind::kDyn;
  switch (document.kind()) {
    case boost::json::kind::null:
      return {};
    case boost::json::kind::bool_:
      return Value::of(document.get_bool());
    case boost::json::kind::int64:
      if (kind == Kind::kDouble) return Value::of(static_cast<double>(document.get_int64()));
      return Value::of(document.get_int64());
    case boost::json::kind::uint64:
      if (kind == Kind::kDouble) return Value::of(static_cast<double>(document.get_uint64()));
      return Value::of(document.get_uint64());
    case boost::json::kind::double_: {
      const double number = document.get_double();
      if (kind == Kind::kInt && std::floor(number) == number && std::fabs(number) < 9e18)
        return Value::of(static_cast<std::int64_t>(number));
      return Value::of(number);
    }
    case boost::json::kind::string:
      return text_value(document, kind);
    case boost::json::kind::array:
      return Value::of(std::shared_ptr<const List>(std::make_shared<const JsonList>(
          document.get_array(), param_of(type, Kind::kList, 0), structs)));
    case boost::json::kind::object:
      return Value::of(std::shared_ptr<const Map>(
          std::make_shared<const JsonMap>(document.get_object(), type, structs)));
  }
  return {};
}

std::optional<json::Value> to_json(const Value& value) {
  std::size_t left = kMostValues;
  return to_json(value, 0, left);
}

}  // namespace kpp::cel
