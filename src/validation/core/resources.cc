#include "validation/core/resources.h"

#include <algorithm>
#include <array>
#include <set>

#include "validation/formats.h"

namespace kpp::validation {
namespace {

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

constexpr std::array<std::string_view, 10> kCounts = {"pods",
                                                      "resourcequotas",
                                                      "services",
                                                      "replicationcontrollers",
                                                      "secrets",
                                                      "configmaps",
                                                      "persistentvolumeclaims",
                                                      "services.nodeports",
                                                      "services.loadbalancers",
                                                      "storage"};

bool is_integer_resource(std::string_view name) {
  return (name != "storage" && is_one_of(name, kCounts)) || is_extended_resource(name);
}

void check_huge_pages(FieldErrors& errors, const FieldPath& at, std::string_view name,
                      const api::Quantity& quantity) {
  const api::Amount page =
      amount_of(api::Quantity(name.substr(std::string_view("hugepages-").size())));
  const api::Amount amount = amount_of(quantity);
  if (page.sign() > 0 && amount.sign() >= 0 && amount.value() % page.value() == 0) return;
  errors.invalid(at, quantity, cat(quantity, " is not positive integer multiple of ", name));
}

void check_claims(FieldErrors& errors, const FieldPath& at,
                  const std::vector<corev1::ResourceClaim>& claims,
                  const std::vector<corev1::PodResourceClaim>& pod_claims) {
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const corev1::ResourceClaim& claim = claims[i];
    if (claim.name.empty()) {
      errors.required(at.index(i));
      continue;
    }
    if (!seen.emplace(claim.name, claim.request).second) {
      errors.duplicate(at.index(i),
                       claim.request.empty() ? claim.name : cat(claim.name, "/", claim.request));
    }
    const bool known = std::any_of(pod_claims.begin(), pod_claims.end(),
                                   [&](const auto& c) { return c.name == claim.name; });
    if (!known) errors.not_found(at.index(i), claim.name);
  }
}

}  // namespace

bool is_native_resource(std::string_view name) {
  return name.find('/') == std::string_view::npos ||
         name.find("kubernetes.io/") != std::string_view::npos;
}

bool is_extended_resource(std::string_view name) {
  return !is_native_resource(name) && !name.starts_with("requests.") &&
         qualified_name(cat("requests.", name)).empty();
}

bool is_huge_page_resource(std::string_view name) { return name.starts_with("hugepages-"); }

bool is_standard_container_resource(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
         is_huge_page_resource(name);
}

bool is_standard_limit_resource(std::string_view name) {
  static constexpr std::array<std::string_view, 3> kTypes = {"Pod", "Container",
                                                             "PersistentVolumeClaim"};
  return is_one_of(name, kTypes);
}

bool is_standard_quota_resource(std::string_view name) {
  static constexpr std::array<std::string_view, 10> kComputed = {"cpu",
                                                                 "memory",
                                                                 "ephemeral-storage",
                                                                 "requests.cpu",
                                                                 "requests.memory",
                                                                 "requests.storage",
                                                                 "requests.ephemeral-storage",
                                                                 "limits.cpu",
                                                                 "limits.memory",
                                                                 "limits.ephemeral-storage"};
  return is_one_of(name, kCounts) || is_one_of(name, kComputed) || is_huge_page_resource(name) ||
         name.starts_with("requests.hugepages-");
}

bool is_standard_resource(std::string_view name) { return is_standard_quota_resource(name); }

bool is_overcommit_allowed(std::string_view name) {
  return is_native_resource(name) && !is_huge_page_resource(name);
}

void check_resource_name(FieldErrors& errors, const FieldPath& at, std::string_view name) {
  const Messages wrong = qualified_name(name);
  errors.invalid_each(at, name, wrong);
  if (wrong.empty() && name.find('/') == std::string_view::npos && !is_standard_resource(name)) {
    errors.invalid(at, name, "must be a standard resource type or fully qualified");
  }
}

void check_container_resource_name(FieldErrors& errors, const FieldPath& at,
                                   std::string_view name) {
  check_resource_name(errors, at, name);
  if (name.find('/') == std::string_view::npos) {
    if (!is_standard_container_resource(name))
      errors.invalid(at, name, "must be a standard resource for containers");
  } else if (!is_native_resource(name) && !is_extended_resource(name)) {
    errors.invalid(at, name, "doesn't follow extended resource name standard");
  }
}

void check_not_negative_quantity(FieldErrors& errors, const FieldPath& at,
                                 const api::Quantity& quantity) {
  if (amount_of(quantity).sign() < 0) errors.invalid(at, quantity, kAtLeastZero);
}

void check_resource_quantity(FieldErrors& errors, const FieldPath& at, std::string_view name,
                             const api::Quantity& quantity) {
  check_not_negative_quantity(errors, at, quantity);
  if (is_integer_resource(name) && !is_whole(amount_of(quantity)))
    errors.invalid(at, quantity, "must be an integer");
}

void check_resource_requirements(FieldErrors& errors, const FieldPath& at,
                                 const corev1::ResourceRequirements& resources,
                                 const std::vector<corev1::PodResourceClaim>* pod_claims) {
  bool basic = false;
  bool huge_pages = false;
  const auto each = [&](const FieldPath& here, const std::string& name,
                        const api::Quantity& quantity) {
    check_container_resource_name(errors, here, name);
    check_resource_quantity(errors, here, name, quantity);
    if (is_huge_page_resource(name)) {
      huge_pages = true;
      check_huge_pages(errors, here, name, quantity);
    }
    basic = basic || name == "cpu" || name == "memory";
  };
  for (const auto& [name, quantity] : resources.limits)
    each(at.child("limits").key(name), name, quantity);
  for (const auto& [name, quantity] : resources.requests) {
    each(at.child("requests").key(name), name, quantity);
    const auto limit = resources.limits.find(name);
    if (limit != resources.limits.end()) {
      const api::Amount request = amount_of(quantity);
      const api::Amount most = amount_of(limit->second);
      if (request != most && !is_overcommit_allowed(name)) {
        errors.invalid(at.child("requests"), quantity,
                       cat("must be equal to ", name, " limit of ", limit->second));
      } else if (request > most) {
        errors.invalid(at.child("requests"), quantity,
                       cat("must be less than or equal to ", name, " limit of ", limit->second));
      }
    } else if (!is_overcommit_allowed(name)) {
      errors.required(at.child("limits"), "Limit must be set for non overcommitable resources");
    }
  }
  if (huge_pages && !basic) errors.forbidden(at, "HugePages require cpu or memory");
  if (pod_claims) check_claims(errors, at.child("claims"), resources.claims, *pod_claims);
}

}  // namespace kpp::validation
