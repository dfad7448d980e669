// Nodes.
#include <set>

#include "validation/addresses.h"
#include "validation/core/resources.h"
#include "validation/metadata.h"
#include "validation/rules.h"
#include "validation/selectors.h"

namespace kpp::validation {
namespace {

void check_taints(FieldErrors& errors, const FieldPath& at,
                  const std::vector<corev1::Taint>& taints) {
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < taints.size(); ++i) {
    const corev1::Taint& taint = taints[i];
    const FieldPath here = at.index(i);
    check_label_key(errors, here.child("key"), taint.key);
    const Messages wrong = label_value(taint.value);
    if (!wrong.empty()) errors.invalid(here.child("value"), taint.value, join(wrong, ";"));
    if (taint.effect.empty()) {
      errors.required(here.child("effect"));
    } else if (taint.effect != "NoSchedule" && taint.effect != "PreferNoSchedule" &&
               taint.effect != "NoExecute") {
      errors.not_supported(here.child("effect"), taint.effect,
                           {"NoSchedule", "PreferNoSchedule", "NoExecute"});
    }
    if (!seen.emplace(taint.key, taint.effect).second) {
      errors.add({ErrorType::kDuplicate, here.to_string(),
                  cat("Duplicate value: {\"Key\":", quoted(taint.key),
                      ",\"Value\":", quoted(taint.value), ",\"Effect\":", quoted(taint.effect),
                      ",\"TimeAdded\":null}: taints must be unique by key and effect pair")});
    }
  }
}

void check_node_taints(FieldErrors& errors, const corev1::Node& node) {
  if (!node.spec.taints.empty())
    check_taints(errors, FieldPath("spec").child("taints"), node.spec.taints);
}

void check_pod_cidrs(FieldErrors& errors, const FieldPath& at, const corev1::Node& node) {
  const std::vector<std::string>& cidrs = node.spec.pod_cidrs;
  if (cidrs.empty()) return;
  int v4 = 0;
  int v6 = 0;
  for (std::size_t i = 0; i < cidrs.size(); ++i) {
    check_prefix(errors, at.index(i), cidrs[i]);
    if (const auto prefix = parse_prefix(cidrs[i])) (prefix->ip.v6 ? v6 : v4)++;
  }
  if (cidrs.size() < 2) return;
  std::string list;
  for (const std::string& cidr : cidrs) list += cat(list.empty() ? "" : ",", quoted(cidr));
  if (cidrs.size() > 2 || v4 != 1 || v6 != 1) {
    errors.invalid(at, Value::raw(cat("[", list, "]")),
                   "may specify no more than one CIDR for each IP family");
  }
}

void check_resources(FieldErrors& errors, const corev1::Node& node) {
  const FieldPath at("status");
  for (const auto& [name, quantity] : node.status.capacity) {
    check_resource_quantity(errors, at.child("capacity").key(name), name, quantity);
  }
  for (const auto& [name, quantity] : node.status.allocatable) {
    check_resource_quantity(errors, at.child("allocatable").key(name), name, quantity);
  }
}

}  // namespace

void validate(FieldErrors& errors, const corev1::Node& node, const Context&) {
  check_metadata(errors, node.metadata, false, subdomain_name);
  check_node_taints(errors, node);
  check_resources(errors, node);
  check_pod_cidrs(errors, FieldPath("spec").child("podCIDRs"), node);
}

void validate_change(FieldErrors& errors, const corev1::Node& node, const corev1::Node& old,
                     const Context&) {
  check_metadata_update(errors, node.metadata, old.metadata);
  check_node_taints(errors, node);
  const FieldPath status("status");
  std::vector<const corev1::NodeAddress*> seen;
  for (std::size_t i = 0; i < node.status.addresses.size(); ++i) {
    const corev1::NodeAddress& address = node.status.addresses[i];
    for (const corev1::NodeAddress* other : seen) {
      if (other->type == address.type && other->address == address.address) {
        errors.duplicate(status.child("addresses").index(i),
                         Value::raw(cat("{\"Type\":", quoted(address.type),
                                        ",\"Address\":", quoted(address.address), "}")));
      }
    }
    seen.push_back(&address);
  }
  check_resources(errors, node);
  check_pod_cidrs(errors, FieldPath("spec").child("podCIDRs"), node);
  if (!old.spec.pod_cidrs.empty() && node.spec.pod_cidrs != old.spec.pod_cidrs) {
    errors.forbidden(FieldPath("spec").child("podCIDRs"),
                     "node updates may not change podCIDR except from \"\" to valid");
  }
  if (!old.spec.provider_id.empty() && node.spec.provider_id != old.spec.provider_id) {
    errors.forbidden(FieldPath("spec").child("providerID"),
                     "node updates may not change providerID except from \"\" to valid");
  }
}

}  // namespace kpp::validation
