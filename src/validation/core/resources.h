// Resource names and amounts: of containers, pods, quotas, nodes.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "api/corev1.h"
#include "validation/amounts.h"
#include "validation/field_errors.h"

namespace kpp::validation {

using ResourceList = std::map<std::string, api::Quantity>;

bool is_native_resource(std::string_view name);
bool is_extended_resource(std::string_view name);
bool is_huge_page_resource(std::string_view name);
bool is_standard_container_resource(std::string_view name);
bool is_standard_quota_resource(std::string_view name);
bool is_standard_limit_resource(std::string_view name);
bool is_standard_resource(std::string_view name);
// Requests may be less than limits.
bool is_overcommit_allowed(std::string_view name);

void check_resource_name(FieldErrors& errors, const FieldPath& at, std::string_view name);
void check_container_resource_name(FieldErrors& errors, const FieldPath& at, std::string_view name);
void check_not_negative_quantity(FieldErrors& errors, const FieldPath& at,
                                 const api::Quantity& quantity);
// Not negative, and whole where only whole numbers make sense.
void check_resource_quantity(FieldErrors& errors, const FieldPath& at, std::string_view name,
                             const api::Quantity& quantity);
void check_resource_requirements(FieldErrors& errors, const FieldPath& at,
                                 const corev1::ResourceRequirements& resources,
                                 const std::vector<corev1::PodResourceClaim>* pod_claims);

}  // namespace kpp::validation
