// Values of expressions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cel/types.h"

namespace kpp::cel {

class Value;

struct Bytes {
  std::string data;
};

// UTC, since 1970.
struct Timestamp {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;  // 0 to 999999999
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

struct Duration {
  std::int64_t nanos = 0;
  friend auto operator<=>(const Duration&, const Duration&) = default;
};

// A failure of evaluation. It travels as a value, because && and || may do without it.
struct Failure {
  std::string message;
};

// Immutable; may read from a document that outlives it.
class List {
 public:
  virtual ~List() = default;
  virtual std::size_t size() const = 0;
  virtual Value at(std::size_t index) const = 0;
};

class Map {
 public:
  virtual ~Map() = default;
  virtual std::size_t size() const = 0;
  virtual std::optional<Value> find(const Value& key) const = 0;
  // Keys and values in an order that stays.
  virtual Value key_at(std::size_t index) const = 0;
  virtual Value value_at(std::size_t index) const = 0;
  // The struct that it is; nullptr: a map.
  virtual TypeRef struct_type() const { return nullptr; }
};

// A value of a library's own type.
class Opaque {
 public:
  virtual ~Opaque() = default;
  virtual TypeRef type() const = 0;
  virtual bool equals(const Opaque& other) const = 0;
};

class Value {
 public:
  using Text = std::shared_ptr<const std::string>;
  using Data =
      std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, Text,
                   std::shared_ptr<const Bytes>, Timestamp, Duration, std::shared_ptr<const List>,
                   std::shared_ptr<const Map>, TypeRef, std::shared_ptr<const std::optional<Value>>,
                   std::shared_ptr<const Opaque>, std::shared_ptr<const Failure>>;

  Value() = default;  // null
  static Value of(bool v) { return Value(Data(v)); }
  static Value of(std::int64_t v) { return Value(Data(v)); }
  static Value of(int v) { return Value(Data(static_cast<std::int64_t>(v))); }
  static Value of(std::uint64_t v) { return Value(Data(v)); }
  static Value of(double v) { return Value(Data(v)); }
  static Value of(std::string v) {
    return Value(Data(std::make_shared<const std::string>(std::move(v))));
  }
  static Value of(std::string_view v) { return of(std::string(v)); }
  static Value of(const char* v) { return of(std::string(v)); }
  static Value of(Bytes v) { return Value(Data(std::make_shared<const Bytes>(std::move(v)))); }
  static Value of(Timestamp v) { return Value(Data(v)); }
  static Value of(Duration v) { return Value(Data(v)); }
  static Value of(std::shared_ptr<const List> v) { return Value(Data(std::move(v))); }
  static Value of(std::shared_ptr<const Map> v) { return Value(Data(std::move(v))); }
  static Value of(TypeRef v) { return Value(Data(std::move(v))); }
  static Value of(std::shared_ptr<const Opaque> v) { return Value(Data(std::move(v))); }
  static Value of(std::vector<Value> items);
  static Value some(Value v);
  static Value none();
  static Value fail(std::string message);

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data_);
  }
  bool is_null() const { return data_.index() == 0; }
  bool is_failure() const { return as<std::shared_ptr<const Failure>>() != nullptr; }
  const std::string& failure() const { return (*as<std::shared_ptr<const Failure>>())->message; }
  // The text, list, map, ...: nullptr if it is none.
  const std::string* text() const {
    const Text* t = as<Text>();
    return t != nullptr ? t->get() : nullptr;
  }
  const Bytes* bytes() const;
  const List* list() const;
  const Map* map() const;
  const std::optional<Value>* optional() const;
  template <class T>
  const T* opaque() const {
    const auto* o = as<std::shared_ptr<const Opaque>>();
    return o != nullptr ? dynamic_cast<const T*>(o->get()) : nullptr;
  }
  const Data& data() const { return data_; }

  // The type at run time; lists and maps are list(dyn), map(dyn, dyn).
  TypeRef type() const;
  std::string type_name() const;  // "int", "google.protobuf.Duration", "net.IP"

 private:
  explicit Value(Data data) : data_(std::move(data)) {}
  Data data_;
};

// A list of values in memory; may still grow while one owner holds it.
class ValueList final : public List {
 public:
  explicit ValueList(std::vector<Value> items) : items_(std::move(items)) {}
  std::size_t size() const override { return items_.size(); }
  Value at(std::size_t index) const override { return items_[index]; }
  void add(Value item) { items_.push_back(std::move(item)); }

 private:
  std::vector<Value> items_;
};

// A map in memory. Keys are bools, numbers and texts; numbers of one value are one key.
class ValueMap final : public Map {
 public:
  explicit ValueMap(TypeRef struct_type = nullptr) : struct_type_(std::move(struct_type)) {}
  bool add(const Value& key, Value value);  // false: the key is there
  std::size_t size() const override { return entries_.size(); }
  std::optional<Value> find(const Value& key) const override;
  Value key_at(std::size_t index) const override { return entries_[index].first; }
  Value value_at(std::size_t index) const override { return entries_[index].second; }
  TypeRef struct_type() const override { return struct_type_; }

 private:
  TypeRef struct_type_;
  std::vector<std::pair<Value, Value>> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

// Equality of the language: numbers by value, lists and maps by content, other types never equal.
// Values too vast to be compared are not equal.
bool equal(const Value& a, const Value& b);
// -1, 0, 1; nullopt: not comparable (other types, NaN).
std::optional<int> compare(const Value& a, const Value& b);
// Of texts in characters, of bytes, lists and maps; nullopt for others.
std::optional<std::size_t> size_of(const Value& value);

}  // namespace kpp::cel
