#include "cel/lib/quantities.h"

#include "base/cat.h"
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

const TypeRef& quantity_type() {
  static const TypeRef kType = Type::opaque("kubernetes.Quantity");
  return kType;
}

class QuantityValue final : public Opaque {
 public:
  explicit QuantityValue(const api::Amount& amount) : amount_(amount) {}
  TypeRef type() const override { return quantity_type(); }
  bool equals(const Opaque& other) const override {
    const auto* quantity = dynamic_cast<const QuantityValue*>(&other);
    return quantity != nullptr && quantity->amount_ == amount_;
  }
  const api::Amount& amount() const { return amount_; }

 private:
  api::Amount amount_;
};

const api::Amount& amount_of(const Value& value) { return value.opaque<QuantityValue>()->amount(); }
int order_of(Args args) {
  const auto order = amount_of(args[0]) <=> amount_of(args[1]);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}
bool is_whole(const api::Amount& amount) { return api::Amount::of(amount.value()) == amount; }

}  // namespace

Value quantity_value(const api::Amount& amount) {
  return Value::of(std::shared_ptr<const Opaque>(std::make_shared<const QuantityValue>(amount)));
}

void add_quantity_library(FunctionTable& table) {
  table.add(
      "quantity(string) -> kubernetes.Quantity",
      [](Args args) {
        const auto amount = api::Amount::parse(*args[0].text());
        return amount ? quantity_value(*amount) : Value::fail(amount.error().message());
      },
      cost_walk_first);
  table.add(
      "isQuantity(string) -> bool",
      [](Args args) { return Value::of(api::Amount::parse(*args[0].text()).has_value()); },
      cost_walk_first);
  table.add("kubernetes.Quantity.sign() -> int",
            [](Args args) { return Value::of(amount_of(args[0]).sign()); });
  table.add("kubernetes.Quantity.isGreaterThan(kubernetes.Quantity) -> bool",
            [](Args args) { return Value::of(order_of(args) > 0); });
  table.add("kubernetes.Quantity.isLessThan(kubernetes.Quantity) -> bool",
            [](Args args) { return Value::of(order_of(args) < 0); });
  table.add("kubernetes.Quantity.compareTo(kubernetes.Quantity) -> int",
            [](Args args) { return Value::of(order_of(args)); });
  table.add("kubernetes.Quantity.asApproximateFloat() -> double",
            [](Args args) { return Value::of(amount_of(args[0]).to_double()); });
  table.add("kubernetes.Quantity.asInteger() -> int", [](Args args) {
    const api::Amount& amount = amount_of(args[0]);
    return is_whole(amount) ? Value::of(amount.value())
                            : Value::fail("cannot convert value to integer");
  });
  table.add("kubernetes.Quantity.isInteger() -> bool",
            [](Args args) { return Value::of(is_whole(amount_of(args[0]))); });
  table.add("kubernetes.Quantity.add(kubernetes.Quantity) -> kubernetes.Quantity",
            [](Args args) { return quantity_value(amount_of(args[0]) + amount_of(args[1])); });
  table.add("kubernetes.Quantity.add(int) -> kubernetes.Quantity", [](Args args) {
    return quantity_value(amount_of(args[0]) + api::Amount::of(*args[1].as<std::int64_t>()));
  });
  table.add("kubernetes.Quantity.sub(kubernetes.Quantity) -> kubernetes.Quantity",
            [](Args args) { return quantity_value(amount_of(args[0]) - amount_of(args[1])); });
  table.add("kubernetes.Quantity.sub(int) -> kubernetes.Quantity", [](Args args) {
    return quantity_value(amount_of(args[0]) - api::Amount::of(*args[1].as<std::int64_t>()));
  });
}

}  // namespace kpp::cel
