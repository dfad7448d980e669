// Arithmetic, comparison, membership.
#include <cmath>

#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"
#include "cel/time_text.h"

namespace kpp::cel {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

template <class T>
const char* overflow_text() {
  return std::is_signed_v<T> ? "integer overflow" : "unsigned integer overflow";
}

template <class T>
Value add_whole(Args args) {
  T out;
  if (__builtin_add_overflow(*args[0].as<T>(), *args[1].as<T>(), &out))
    return Value::fail(overflow_text<T>());
  return Value::of(out);
}
template <class T>
Value subtract_whole(Args args) {
  T out;
  if (__builtin_sub_overflow(*args[0].as<T>(), *args[1].as<T>(), &out))
    return Value::fail(overflow_text<T>());
  return Value::of(out);
}
template <class T>
Value multiply_whole(Args args) {
  T out;
  if (__builtin_mul_overflow(*args[0].as<T>(), *args[1].as<T>(), &out))
    return Value::fail(overflow_text<T>());
  return Value::of(out);
}
template <class T>
Value divide_whole(Args args) {
  const T a = *args[0].as<T>();
  const T b = *args[1].as<T>();
  if (b == 0) return Value::fail("division by zero");
  if constexpr (std::is_signed_v<T>) {
    if (a == INT64_MIN && b == -1) return Value::fail(overflow_text<T>());
  }
  return Value::of(a / b);
}
template <class T>
Value modulo(Args args) {
  const T a = *args[0].as<T>();
  const T b = *args[1].as<T>();
  if (b == 0) return Value::fail("modulus by zero");
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return a == INT64_MIN ? Value::fail(overflow_text<T>()) : Value::of(T{0});
  }
  return Value::of(a % b);
}

Value shift_time(const Timestamp& time, std::int64_t seconds, std::int64_t nanos) {
  Timestamp out{time.seconds + seconds, 0};
  std::int64_t rest = time.nanos + nanos;
  if (rest < 0) {
    rest += kNanosPerSecond;
    --out.seconds;
  } else if (rest >= kNanosPerSecond) {
    rest -= kNanosPerSecond;
    ++out.seconds;
  }
  out.nanos = static_cast<std::int32_t>(rest);
  return in_range(out) ? Value::of(out) : Value::fail("timestamp overflow");
}
Value time_plus(const Timestamp& time, const Duration& by) {
  return shift_time(time, by.nanos / kNanosPerSecond, by.nanos % kNanosPerSecond);
}

Value add_durations(Args args) {
  Duration out;
  if (__builtin_add_overflow(args[0].as<Duration>()->nanos, args[1].as<Duration>()->nanos,
                             &out.nanos))
    return Value::fail("duration overflow");
  return Value::of(out);
}
Value subtract_durations(Args args) {
  Duration out;
  if (__builtin_sub_overflow(args[0].as<Duration>()->nanos, args[1].as<Duration>()->nanos,
                             &out.nanos))
    return Value::fail("duration overflow");
  return Value::of(out);
}
Value subtract_times(Args args) {
  const auto& a = *args[0].as<Timestamp>();
  const auto& b = *args[1].as<Timestamp>();
  Duration out;
  if (__builtin_mul_overflow(a.seconds - b.seconds, kNanosPerSecond, &out.nanos) ||
      __builtin_add_overflow(out.nanos, a.nanos - b.nanos, &out.nanos))
    return Value::fail("duration overflow");
  return Value::of(out);
}

Value join_lists(Args args) {
  std::vector<Value> out;
  for (const Value& arg : args) {
    for (std::size_t i = 0; i < arg.list()->size(); ++i) out.push_back(arg.list()->at(i));
  }
  return Value::of(std::move(out));
}

Value is_in_list(Args args) {
  const List& list = *args[1].list();
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (equal(list.at(i), args[0])) return Value::of(true);
  }
  return Value::of(false);
}

Value insert(const Map& map, const Value* key, const Value& value) {
  auto out = std::make_shared<ValueMap>();
  for (std::size_t i = 0; i < map.size(); ++i) out->add(map.key_at(i), map.value_at(i));
  bool added = true;
  if (key != nullptr) {
    added = out->add(*key, value);
  } else {
    for (std::size_t i = 0; added && i < value.map()->size(); ++i)
      added = out->add(value.map()->key_at(i), value.map()->value_at(i));
  }
  if (!added) return Value::fail("insert failed: key already exists");
  return Value::of(std::shared_ptr<const Map>(std::move(out)));
}

using Test = bool (*)(int);
template <bool (*kTest)(int)>
Value compared(Args args) {
  const auto order = compare(args[0], args[1]);
  if (order) return Value::of(kTest(*order));
  // NaN is in no order with anything.
  return Value::of(false);
}
bool is_less(int order) { return order < 0; }
bool is_less_or_equal(int order) { return order <= 0; }
bool is_greater(int order) { return order > 0; }
bool is_greater_or_equal(int order) { return order >= 0; }

void add_comparison(FunctionTable& table, std::string_view name, Value (*call)(Args)) {
  for (const std::string type :
       {"bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"}) {
    table.add_operator(name, "x(" + type + ", " + type + ") -> bool", call,
                       type == "string" || type == "bytes" ? cost_shorter : nullptr);
  }
  for (const std::string a : {"int", "uint", "double"}) {
    for (const std::string b : {"int", "uint", "double"}) {
      if (a != b) table.add_operator(name, "x(" + a + ", " + b + ") -> bool", call);
    }
  }
}

void add_arithmetic(FunctionTable& table) {
  table.add_operator(
      "_+_", "x(bytes, bytes) -> bytes",
      [](Args args) { return Value::of(Bytes{args[0].bytes()->data + args[1].bytes()->data}); },
      cost_both);
  table.add_operator("_+_", "x(double, double) -> double", [](Args args) {
    return Value::of(*args[0].as<double>() + *args[1].as<double>());
  });
  table.add_operator("_+_", "x(duration, duration) -> duration", add_durations);
  table.add_operator("_+_", "x(duration, timestamp) -> timestamp", [](Args args) {
    return time_plus(*args[1].as<Timestamp>(), *args[0].as<Duration>());
  });
  table.add_operator("_+_", "x(timestamp, duration) -> timestamp", [](Args args) {
    return time_plus(*args[0].as<Timestamp>(), *args[1].as<Duration>());
  });
  table.add_operator("_+_", "x(int, int) -> int", add_whole<std::int64_t>);
  table.add_operator("_+_", "x(list(A), list(A)) -> list(A)", join_lists, cost_both);
  table.add_operator(
      "_+_", "x(string, string) -> string",
      [](Args args) { return Value::of(*args[0].text() + *args[1].text()); }, cost_both);
  table.add_operator("_+_", "x(uint, uint) -> uint", add_whole<std::uint64_t>);

  table.add_operator("_-_", "x(double, double) -> double", [](Args args) {
    return Value::of(*args[0].as<double>() - *args[1].as<double>());
  });
  table.add_operator("_-_", "x(duration, duration) -> duration", subtract_durations);
  table.add_operator("_-_", "x(int, int) -> int", subtract_whole<std::int64_t>);
  table.add_operator("_-_", "x(timestamp, duration) -> timestamp", [](Args args) {
    const std::int64_t nanos = args[1].as<Duration>()->nanos;
    return shift_time(*args[0].as<Timestamp>(), -(nanos / kNanosPerSecond),
                      -(nanos % kNanosPerSecond));
  });
  table.add_operator("_-_", "x(timestamp, timestamp) -> duration", subtract_times);
  table.add_operator("_-_", "x(uint, uint) -> uint", subtract_whole<std::uint64_t>);

  table.add_operator("_*_", "x(double, double) -> double", [](Args args) {
    return Value::of(*args[0].as<double>() * *args[1].as<double>());
  });
  table.add_operator("_*_", "x(int, int) -> int", multiply_whole<std::int64_t>);
  table.add_operator("_*_", "x(uint, uint) -> uint", multiply_whole<std::uint64_t>);
  table.add_operator("_/_", "x(double, double) -> double", [](Args args) {
    return Value::of(*args[0].as<double>() / *args[1].as<double>());
  });
  table.add_operator("_/_", "x(int, int) -> int", divide_whole<std::int64_t>);
  table.add_operator("_/_", "x(uint, uint) -> uint", divide_whole<std::uint64_t>);
  table.add_operator("_%_", "x(int, int) -> int", modulo<std::int64_t>);
  table.add_operator("_%_", "x(uint, uint) -> uint", modulo<std::uint64_t>);
  table.add_operator("-_", "x(double) -> double",
                     [](Args args) { return Value::of(-*args[0].as<double>()); });
  table.add_operator("-_", "x(int) -> int", [](Args args) {
    const std::int64_t v = *args[0].as<std::int64_t>();
    return v == INT64_MIN ? Value::fail("integer overflow") : Value::of(-v);
  });
}

}  // namespace

void add_operators(FunctionTable& table) {
  table.add_operator("_?_:_", "x(bool, A, A) -> A", nullptr);
  table.add_operator("_&&_", "x(bool, bool) -> bool", nullptr);
  table.add_operator("_||_", "x(bool, bool) -> bool", nullptr);
  table.add_operator("@not_strictly_false", "x(bool) -> bool", nullptr);
  table.add_operator("!_", "x(bool) -> bool",
                     [](Args args) { return Value::of(!*args[0].as<bool>()); });
  add_arithmetic(table);
  table.add_operator(
      "_==_", "x(A, A) -> bool", [](Args args) { return Value::of(equal(args[0], args[1])); },
      cost_shorter);
  table.add_operator(
      "_!=_", "x(A, A) -> bool", [](Args args) { return Value::of(!equal(args[0], args[1])); },
      cost_shorter);
  add_comparison(table, "_<_", compared<is_less>);
  add_comparison(table, "_<=_", compared<is_less_or_equal>);
  add_comparison(table, "_>_", compared<is_greater>);
  add_comparison(table, "_>=_", compared<is_greater_or_equal>);
  table.add_operator("@in", "x(A, list(A)) -> bool", is_in_list, cost_items_of_last);
  table.add_operator("@in", "x(A, map(A, B)) -> bool",
                     [](Args args) { return Value::of(args[1].map()->find(args[0]).has_value()); });
  table.add_operator("_[_]", "x(list(A), int) -> A", nullptr);
  table.add_operator("_[_]", "x(map(A, B), A) -> B", nullptr);
  table.add_operator("_[_]", "x(optional(list(A)), int) -> optional(A)", nullptr);
  table.add_operator("_[_]", "x(optional(map(A, B)), A) -> optional(B)", nullptr);
  table.add_operator("_[?_]", "x(list(A), int) -> optional(A)", nullptr);
  table.add_operator("_[?_]", "x(map(A, B), A) -> optional(B)", nullptr);
  table.add_operator("_[?_]", "x(optional(list(A)), int) -> optional(A)", nullptr);
  table.add_operator("_[?_]", "x(optional(map(A, B)), A) -> optional(B)", nullptr);
  table.add(
      "cel.@mapInsert(map(K, V), K, V) -> map(K, V)",
      [](Args args) { return insert(*args[0].map(), &args[1], args[2]); }, cost_items_of_first);
  table.add(
      "cel.@mapInsert(map(K, V), map(K, V)) -> map(K, V)",
      [](Args args) { return insert(*args[0].map(), nullptr, args[1]); }, cost_items_of_first);
}

}  // namespace kpp::cel
