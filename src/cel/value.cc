#include "cel/value.h"

#include <cmath>

#include "base/cat.h"
#include "cel/source.h"

namespace kpp::cel {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int order_double(std::int64_t a, double b) {
  if (b >= kTwo63) return -1;
  if (b < -kTwo63) return 1;
  const auto whole = static_cast<std::int64_t>(b);
  if (a != whole) return a < whole ? -1 : 1;
  const double fraction = b - static_cast<double>(whole);
  return fraction > 0 ? -1 : fraction < 0 ? 1 : 0;
}

int order_double(std::uint64_t a, double b) {
  if (b >= kTwo64) return -1;
  if (b < 0) return 1;
  const auto whole = static_cast<std::uint64_t>(b);
  if (a != whole) return a < whole ? -1 : 1;
  return b - static_cast<double>(whole) > 0 ? -1 : 0;
}

int order_mixed(std::int64_t a, std::uint64_t b) {
  return a < 0 ? -1 : order(static_cast<std::uint64_t>(a), b);
}

// The order of a number and a value; nullopt if that is no number.
std::optional<int> compare_number(std::int64_t a, const Value& b) {
  if (const auto* y = b.as<std::int64_t>()) return order(a, *y);
  if (const auto* y = b.as<std::uint64_t>()) return order_mixed(a, *y);
  if (const auto* y = b.as<double>(); y != nullptr && !std::isnan(*y)) return order_double(a, *y);
  return std::nullopt;
}
std::optional<int> compare_number(std::uint64_t a, const Value& b) {
  if (const auto* y = b.as<std::int64_t>()) return -order_mixed(*y, a);
  if (const auto* y = b.as<std::uint64_t>()) return order(a, *y);
  if (const auto* y = b.as<double>(); y != nullptr && !std::isnan(*y)) return order_double(a, *y);
  return std::nullopt;
}
std::optional<int> compare_number(double a, const Value& b) {
  if (std::isnan(a)) return std::nullopt;
  if (const auto* y = b.as<std::int64_t>()) return -order_double(*y, a);
  if (const auto* y = b.as<std::uint64_t>()) return -order_double(*y, a);
  if (const auto* y = b.as<double>(); y != nullptr && !std::isnan(*y)) return order(a, *y);
  return std::nullopt;
}
std::optional<int> compare_numbers(const Value& a, const Value& b) {
  if (const auto* signed_one = a.as<std::int64_t>()) return compare_number(*signed_one, b);
  if (const auto* unsigned_one = a.as<std::uint64_t>()) return compare_number(*unsigned_one, b);
  if (const auto* real = a.as<double>()) return compare_number(*real, b);
  return std::nullopt;
}

// How many values one comparison looks at, at most: lists that share items may be vast when written
// out.
constexpr std::size_t kMostCompared = 5'000'000;

bool equal(const Value& a, const Value& b, std::size_t& left);

bool equal_lists(const List& a, const List& b, std::size_t& left) {
  if (&a == &b) return true;
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!equal(a.at(i), b.at(i), left)) return false;
  }
  return true;
}

bool equal_maps(const Map& a, const Map& b, std::size_t& left) {
  if (&a == &b) return true;
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto other = b.find(a.key_at(i));
    if (!other || !equal(a.value_at(i), *other, left)) return false;
  }
  return true;
}

// One text for each key; "" for what cannot be one.
std::string key_text(const Value& key) {
  if (const auto* text = key.text()) return "s" + *text;
  if (const auto* b = key.as<bool>()) return *b ? "t" : "f";
  if (const auto* i = key.as<std::int64_t>()) return cat("n", *i);
  if (const auto* u = key.as<std::uint64_t>()) return cat("n", *u);
  if (const auto* d = key.as<double>(); d != nullptr && std::floor(*d) == *d) {
    if (*d >= -kTwo63 && *d < kTwo63) return cat("n", static_cast<std::int64_t>(*d));
    if (*d >= 0 && *d < kTwo64) return cat("n", static_cast<std::uint64_t>(*d));
  }
  return "";
}

bool equal(const Value& a, const Value& b, std::size_t& left) {
  if (left == 0) return false;
  --left;
  if (const auto numbers = compare_numbers(a, b)) return *numbers == 0;
  if (a.data().index() != b.data().index()) return false;
  if (a.is_null()) return true;
  if (const auto* x = a.as<bool>()) return *x == *b.as<bool>();
  if (const auto* x = a.text()) return *x == *b.text();
  if (const auto* x = a.bytes()) return x->data == b.bytes()->data;
  if (const auto* x = a.as<Timestamp>()) return *x == *b.as<Timestamp>();
  if (const auto* x = a.as<Duration>()) return *x == *b.as<Duration>();
  if (const auto* x = a.list()) return equal_lists(*x, *b.list(), left);
  if (const auto* x = a.map()) return equal_maps(*x, *b.map(), left);
  if (const auto* x = a.as<TypeRef>()) return (*x)->name() == (*b.as<TypeRef>())->name();
  if (const auto* x = a.optional()) {
    const auto* y = b.optional();
    return x->has_value() == y->has_value() && (!x->has_value() || equal(**x, **y, left));
  }
  if (const auto* x = a.as<std::shared_ptr<const Opaque>>())
    return (*x)->equals(**b.as<std::shared_ptr<const Opaque>>());
  return false;
}

}  // namespace

Value Value::of(std::vector<Value> items) {
  return of(std::shared_ptr<const List>(std::make_shared<const ValueList>(std::move(items))));
}
Value Value::some(Value v) {
  return Value(Data(std::make_shared<const std::optional<Value>>(std::move(v))));
}
Value Value::none() { return Value(Data(std::make_shared<const std::optional<Value>>())); }
Value Value::fail(std::string message) {
  return Value(Data(std::make_shared<const Failure>(Failure{std::move(message)})));
}

const Bytes* Value::bytes() const {
  const auto* v = as<std::shared_ptr<const Bytes>>();
  return v != nullptr ? v->get() : nullptr;
}
const List* Value::list() const {
  const auto* v = as<std::shared_ptr<const List>>();
  return v != nullptr ? v->get() : nullptr;
}
const Map* Value::map() const {
  const auto* v = as<std::shared_ptr<const Map>>();
  return v != nullptr ? v->get() : nullptr;
}
const std::optional<Value>* Value::optional() const {
  const auto* v = as<std::shared_ptr<const std::optional<Value>>>();
  return v != nullptr ? v->get() : nullptr;
}

TypeRef Value::type() const {
  const auto dyn = Type::of(Kind::kDyn);
  if (is_null()) return Type::of(Kind::kNull);
  if (as<bool>() != nullptr) return Type::of(Kind::kBool);
  if (as<std::int64_t>() != nullptr) return Type::of(Kind::kInt);
  if (as<std::uint64_t>() != nullptr) return Type::of(Kind::kUint);
  if (as<double>() != nullptr) return Type::of(Kind::kDouble);
  if (text() != nullptr) return Type::of(Kind::kString);
  if (bytes() != nullptr) return Type::of(Kind::kBytes);
  if (as<Timestamp>() != nullptr) return Type::of(Kind::kTimestamp);
  if (as<Duration>() != nullptr) return Type::of(Kind::kDuration);
  if (list() != nullptr) return Type::list(dyn);
  if (map() != nullptr) {
    TypeRef type = map()->struct_type();
    return type ? type : Type::map(dyn, dyn);
  }
  if (as<TypeRef>() != nullptr) return Type::of(Kind::kType);
  if (optional() != nullptr) return Type::optional(dyn);
  if (const auto* o = as<std::shared_ptr<const Opaque>>()) return (*o)->type();
  return Type::of(Kind::kError);
}

std::string Value::type_name() const { return type()->name(); }

bool ValueMap::add(const Value& key, Value value) {
  if (!index_.emplace(key_text(key), entries_.size()).second) return false;
  entries_.emplace_back(key, std::move(value));
  return true;
}

std::optional<Value> ValueMap::find(const Value& key) const {
  const std::string text = key_text(key);
  if (text.empty()) return std::nullopt;
  const auto it = index_.find(text);
  if (it == index_.end()) return std::nullopt;
  return entries_[it->second].second;
}

bool equal(const Value& a, const Value& b) {
  std::size_t left = kMostCompared;
  return equal(a, b, left);
}

std::optional<int> compare(const Value& a, const Value& b) {
  if (const auto numbers = compare_numbers(a, b)) return numbers;
  if (a.data().index() != b.data().index()) return std::nullopt;
  if (const auto* x = a.as<bool>()) return order(*x, *b.as<bool>());
  if (const auto* x = a.text()) return order(*x, *b.text());
  if (const auto* x = a.bytes()) return order(x->data, b.bytes()->data);
  if (const auto* x = a.as<Timestamp>()) return order(*x, *b.as<Timestamp>());
  if (const auto* x = a.as<Duration>()) return order(*x, *b.as<Duration>());
  return std::nullopt;
}

std::optional<std::size_t> size_of(const Value& value) {
  if (const auto* text = value.text()) {
    std::size_t out = 0;
    for (const char c : *text) out += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    return out;
  }
  if (const auto* bytes = value.bytes()) return bytes->data.size();
  if (const auto* list = value.list()) return list->size();
  if (const auto* map = value.map()) return map->size();
  return std::nullopt;
}

}  // namespace kpp::cel
