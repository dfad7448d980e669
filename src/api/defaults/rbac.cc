// The group rbac.authorization.k8s.io.
#include "api/defaults/rules.h"
#include "api/rbacv1.h"

namespace kpp::api::defaults {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

template <class B>
void binding(B& object) {
  set(object.role_ref.api_group, kGroup);
}
void subject(rbacv1::Subject& s) {
  if (s.kind == "User" || s.kind == "Group") set(s.api_group, kGroup);
}

constexpr Rule kRules[] = {
    rule<rbacv1::RoleBinding, binding<rbacv1::RoleBinding>>(),
    rule<rbacv1::ClusterRoleBinding, binding<rbacv1::ClusterRoleBinding>>(),
    rule<rbacv1::Subject, subject>(),
};

}  // namespace

std::span<const Rule> rbac_rules() { return kRules; }

}  // namespace kpp::api::defaults
