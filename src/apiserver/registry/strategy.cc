#include "apiserver/registry/strategy.h"

#include <unordered_map>

#include "api/json_codec.h"
#include "apiserver/registry/strategies.h"

namespace kpp::apiserver {
namespace {

const api::FieldDesc* field_of(const api::Object& object, std::string_view name) {
  return object.desc().find(name);
}

const void* member(const api::Object& object, const api::FieldDesc& field) {
  return static_cast<const char*>(object.data()) + field.offset;
}
void* member(api::Object& object, const api::FieldDesc& field) {
  return static_cast<char*>(object.data()) + field.offset;
}

// Only top-level message fields by value ("spec", "status") and optional ones are handled;
// strategies name no others.
void assign(api::Object& to, const api::Object* from, const api::FieldDesc& field) {
  const auto& ops = *field.message()->ops;
  if (field.cardinality == api::Cardinality::kOptional) {
    const void* value = from != nullptr ? ops.opt_get(member(*from, field)) : nullptr;
    if (value == nullptr) {
      ops.opt_reset(member(to, field));
    } else {
      ops.assign(ops.opt_make(member(to, field)), value);
    }
    return;
  }
  if (from != nullptr) {
    ops.assign(member(to, field), member(*from, field));
    return;
  }
  void* empty = ops.make();
  ops.assign(member(to, field), empty);
  ops.destroy(empty);
}

bool is_message(const api::FieldDesc* field) {
  return field != nullptr && field->type == api::FieldType::kMessage &&
         (field->cardinality == api::Cardinality::kValue ||
          field->cardinality == api::Cardinality::kOptional);
}

}  // namespace

void clear_field(api::Object& object, std::string_view name) {
  const auto* field = field_of(object, name);
  if (is_message(field)) assign(object, nullptr, *field);
}

void copy_field(api::Object& to, const api::Object& from, std::string_view name) {
  const auto* field = field_of(to, name);
  if (is_message(field)) assign(to, &from, *field);
}

bool field_equal(const api::Object& a, const api::Object& b, std::string_view name) {
  const auto* field = field_of(a, name);
  if (!is_message(field)) return true;
  const auto& type = *field->message();
  const void* left = member(a, *field);
  const void* right = member(b, *field);
  if (field->cardinality == api::Cardinality::kOptional) {
    left = type.ops->opt_get(left);
    right = type.ops->opt_get(right);
    if (left == nullptr || right == nullptr) return left == right;
  }
  return api::equal(type, left, right);
}

// --- what most kinds do

void clear_status_on_create(api::Object& object, const StrategyContext&) {
  clear_field(object, "status");
  api::metadata(object)->generation = 0;
}

void start_generation_on_create(api::Object& object, const StrategyContext&) {
  clear_field(object, "status");
  api::metadata(object)->generation = 1;
}

void keep_status_on_update(api::Object& object, const api::Object& old, const StrategyContext&) {
  copy_field(object, old, "status");
}

void raise_generation_on_update(api::Object& object, const api::Object& old,
                                const StrategyContext&) {
  copy_field(object, old, "status");
  auto* meta = api::metadata(object);
  meta->generation = api::metadata(old.desc(), old.data())->generation;
  if (!field_equal(object, old, "spec")) ++meta->generation;
}

void only_status_on_update(api::Object& object, const api::Object& old, const StrategyContext&) {
  // Annotations and finalizers may come along with a status: the deployment controller writes its
  // revision so.
  copy_field(object, old, "spec");
  if (object.desc().name == "Deployment") {
    api::metadata(object)->labels = api::metadata(old.desc(), old.data())->labels;
  }
}

void keep_nothing_on_update(api::Object& object, const api::Object& old, const StrategyContext&) {
  api::metadata(object)->generation = api::metadata(old.desc(), old.data())->generation;
}

const Strategy& strategy_of(const api::TypeDesc& type) {
  static const std::unordered_map<const api::TypeDesc*, Strategy> kStrategies = all_strategies();
  static const Strategy kPlain{nullptr, keep_nothing_on_update, nullptr};
  const auto it = kStrategies.find(&type);
  return it == kStrategies.end() ? kPlain : it->second;
}

}  // namespace kpp::apiserver
