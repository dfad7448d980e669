// Which rights a set of RBAC rules lacks of another.
#pragma once

#include <vector>

#include "api/rbacv1.h"

namespace kpp::apiserver {

// What of `wanted` the rules `owned` do not grant, taken apart: each with one verb on one resource
// (of one name, if names are given), or on one path; in the order of `wanted`.
std::vector<rbacv1::PolicyRule> missing_rules(const std::vector<rbacv1::PolicyRule>& owned,
                                              const std::vector<rbacv1::PolicyRule>& wanted);

}  // namespace kpp::apiserver
