// ServiceCIDRs.
#include "validation/addresses.h"
#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

// One range of each family.
bool is_dual_stack(const std::vector<std::string>& cidrs) {
  const auto first = parse_prefix(cidrs[0]);
  const auto second = parse_prefix(cidrs[1]);
  return first && second && first->ip.v6 != second->ip.v6;
}

}  // namespace

void validate(FieldErrors& errors, const networkingv1::ServiceCIDR& range, const Context&) {
  check_metadata(errors, range.metadata, false, subdomain_name);
  const FieldPath at = FieldPath("spec").child("cidrs");
  const auto& cidrs = range.spec.cidrs;
  if (cidrs.empty()) return errors.required(at, "at least one CIDR required");
  if (cidrs.size() > 2) return errors.invalid(at, cidrs, "may only hold up to 2 values");
  if (cidrs.size() == 2 && !is_dual_stack(cidrs)) {
    errors.invalid(
        at, cidrs,
        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96");
  }
  for (std::size_t i = 0; i < cidrs.size(); ++i) check_prefix(errors, at.index(i), cidrs[i]);
}

void validate_change(FieldErrors& errors, const networkingv1::ServiceCIDR& range,
                     const networkingv1::ServiceCIDR& old, const Context& context) {
  check_metadata_update(errors, range.metadata, old.metadata);
  if (context.is_status) return;
  const FieldPath at = FieldPath("spec").child("cidrs");
  if (old.spec.cidrs.size() == 1 && range.spec.cidrs.size() == 2) {
    if (old.spec.cidrs[0] != range.spec.cidrs[0]) {
      errors.invalid(at.index(0), range.spec.cidrs[0],
                     "primary CIDR can not be changed when converting to dual-stack");
    }
    if (!is_dual_stack(range.spec.cidrs)) {
      errors.invalid(at, range.spec.cidrs,
                     "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and "
                     "2001:db8::/96");
    }
    return;
  }
  check_immutable(errors, at, range.spec.cidrs, old.spec.cidrs);
}

}  // namespace kpp::validation
