#include "api/defaults/defaults.h"

#include <unordered_map>

#include "api/defaults/rules.h"
#include "api/field_ops.h"
#include "api/quantity.h"
#include "codec/json.h"

namespace kpp::api {
namespace {

// What is to be done with a message type; types that need nothing are not visited.
struct Plan {
  std::vector<void (*)(void*, SentEmpty)> rules;
  struct Constant {
    const FieldDesc* field;
    json::Value value;
  };
  std::vector<Constant> constants;          // from the schema
  std::vector<const FieldDesc*> resources;  // core ResourceLists, rounded up to thousandths
  std::vector<std::pair<const FieldDesc*, const Plan*>> inner;
  bool needed = false;
};

class Plans {
 public:
  Plans() {
    using namespace defaults;
    for (const auto rules :
         {pod_rules(), core_rules(), apps_rules(), batch_rules(), autoscaling_rules(),
          networking_rules(), rbac_rules(), storage_rules(), admissionregistration_rules(),
          flowcontrol_rules(), resource_rules(), extension_rules()}) {
      for (const auto& rule : rules) plans_[&rule.type()].rules.push_back(rule.apply);
    }
    for (const TypeDesc* type : all_types()) fill(*type, plans_[type]);
    // A type is needed if it has work of its own or holds a needed one.
    bool changed = true;
    while (changed) {
      changed = false;
      for (auto& [type, plan] : plans_) {
        if (plan.needed) continue;
        bool needed = !plan.rules.empty() || !plan.constants.empty() || !plan.resources.empty();
        for (const auto& [field, inner] : plan.inner) needed = needed || inner->needed;
        changed = changed || needed;
        plan.needed = needed;
      }
    }
    for (auto& [type, plan] : plans_) {
      std::erase_if(plan.inner, [](const auto& entry) { return !entry.second->needed; });
    }
  }
  const Plan& of(const TypeDesc& desc) const { return plans_.at(&desc); }

 private:
  void fill(const TypeDesc& type, Plan& plan) {
    for (const auto& field : type.fields) {
      if (field.type == FieldType::kMessage) {
        plan.inner.emplace_back(&field, &plans_[field.message()]);
      } else if (field.type == FieldType::kQuantity && field.cardinality == Cardinality::kMap) {
        if (type.package == "k8s.io.api.core.v1" || type.package == "k8s.io.api.node.v1") {
          plan.resources.push_back(&field);
        }
      } else if (!field.schema_default.empty()) {
        const bool scalar =
            field.cardinality == Cardinality::kValue || field.cardinality == Cardinality::kOptional;
        const bool zero = field.schema_default == "\"\"" || field.schema_default == "0" ||
                          field.schema_default == "false" || field.schema_default == "{}";
        if (!scalar || (zero && field.cardinality == Cardinality::kValue)) continue;
        auto value = json::parse(field.schema_default);
        if (value) plan.constants.push_back({&field, std::move(*value)});
      }
    }
  }

  // Node-based: pointers to plans stay.
  std::unordered_map<const TypeDesc*, Plan> plans_;
};

const Plans& plans() {
  static const Plans kPlans;
  return kPlans;
}

void set_constant(const Plan::Constant& constant, void* message) {
  const FieldDesc& field = *constant.field;
  void* member = member_of(message, field);
  if (field.cardinality == Cardinality::kOptional) {
    if (element_ops(field).opt_get(member) != nullptr) return;
    member = element_ops(field).opt_make(member);
  } else if (!is_zero(field.type, member)) {
    return;
  }
  const json::Value& v = constant.value;
  switch (field.type) {
    case FieldType::kString:
      static_cast<std::string*>(member)->assign(v.is_string() ? v.get_string() : "");
      return;
    case FieldType::kBool:
      *static_cast<bool*>(member) = v.is_bool() && v.get_bool();
      return;
    case FieldType::kInt32:
      *static_cast<std::int32_t*>(member) =
          v.is_int64() ? static_cast<std::int32_t>(v.get_int64()) : 0;
      return;
    case FieldType::kInt64:
      *static_cast<std::int64_t*>(member) = v.is_int64() ? v.get_int64() : 0;
      return;
    default:
      return;
  }
}

void round_up(const FieldDesc& field, void* message) {
  auto& list = *static_cast<std::map<std::string, Quantity>*>(member_of(message, field));
  for (auto& [name, quantity] : list) {
    if (const auto amount = Amount::parse(quantity.text))
      quantity = amount->round_up(-3).quantity();
  }
}

// Inner messages do not hear of empty lists: the paths are those of the whole object.
void apply(const Plan& plan, void* message, SentEmpty sent_empty = {}) {
  for (const auto rule : plan.rules) rule(message, sent_empty);
  for (const auto& constant : plan.constants) set_constant(constant, message);
  for (const FieldDesc* field : plan.resources) round_up(*field, message);
  for (const auto& [field, inner] : plan.inner) {
    void* member = member_of(message, *field);
    const TypeOps& ops = element_ops(*field);
    switch (field->cardinality) {
      case Cardinality::kValue:
        apply(*inner, member);
        break;
      case Cardinality::kOptional:
        if (const void* value = ops.opt_get(member)) apply(*inner, const_cast<void*>(value));
        break;
      case Cardinality::kList:
        for (std::size_t i = 0; i < ops.list_size(member); ++i) {
          apply(*inner, const_cast<void*>(ops.list_at(member, i)));
        }
        break;
      case Cardinality::kMap:
        ops.map_each(member, const_cast<Plan*>(inner),
                     [](void* context, const std::string&, const void* value) {
                       apply(*static_cast<const Plan*>(context), const_cast<void*>(value));
                     });
        break;
    }
  }
}

}  // namespace

void apply_defaults(const TypeDesc& desc, void* object, SentEmpty sent_empty) {
  const Plan& plan = plans().of(desc);
  if (plan.needed) apply(plan, object, sent_empty);
}

namespace defaults {

std::string_view pull_policy(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return "IfNotPresent";
  const auto slash = image.rfind('/');
  const auto colon = image.rfind(':');
  const bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  return !tagged || image.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

}  // namespace defaults
}  // namespace kpp::api
