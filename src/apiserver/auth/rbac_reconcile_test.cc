#include "apiserver/auth/rbac_reconcile.h"

#include <gtest/gtest.h>

#include "api/meta.h"
#include "api/rbacv1.h"

namespace kpp::apiserver {
namespace {

rbacv1::PolicyRule rule(std::vector<std::string> verbs, std::string resource) {
  rbacv1::PolicyRule out;
  out.verbs = std::move(verbs);
  out.api_groups = {""};
  out.resources = {std::move(resource)};
  return out;
}

rbacv1::ClusterRole role(std::vector<rbacv1::PolicyRule> rules) {
  rbacv1::ClusterRole out;
  out.metadata.name = "system:x";
  out.metadata.labels["kubernetes.io/bootstrapping"] = "rbac-defaults";
  out.metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"] = "true";
  out.rules = std::move(rules);
  return out;
}

// What is to be written; nullopt: nothing.
template <class T>
std::optional<T> reconcile(const T& wanted, const T& existing) {
  api::Object object = api::Object::of(wanted);
  if (!reconcile_rights(object, api::Object::of(existing))) return std::nullopt;
  return *object.as<T>();
}

TEST(RbacReconcile, ARoleThatHasAllIsLeftAlone) {
  const auto wanted = role({rule({"get", "list"}, "pods")});
  EXPECT_FALSE(reconcile(wanted, wanted));
  EXPECT_FALSE(reconcile(wanted, role({rule({"*"}, "*")})));
}

TEST(RbacReconcile, ARoleGetsBackWhatItLacksAndKeepsWhatWasAdded) {
  auto existing = role({rule({"get"}, "pods"), rule({"delete"}, "nodes")});
  existing.metadata.uid = "u";
  existing.metadata.labels["mine"] = "yes";
  existing.metadata.labels.erase("kubernetes.io/bootstrapping");
  const auto out = reconcile(role({rule({"get", "list"}, "pods")}), existing);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->metadata.uid, "u");
  EXPECT_EQ(out->metadata.labels.size(), 2u);
  ASSERT_EQ(out->rules.size(), 3u);
  EXPECT_EQ(out->rules[1].verbs, std::vector<std::string>{"delete"});
  EXPECT_EQ(out->rules[2].verbs, std::vector<std::string>{"list"});
}

TEST(RbacReconcile, ARoleThatIsNotToBeUpdatedIsLeftAlone) {
  auto existing = role({});
  existing.metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"] = "false";
  EXPECT_FALSE(reconcile(role({rule({"get"}, "pods")}), existing));
}

TEST(RbacReconcile, RulesOfAnAggregatedRoleAreNotItsBusiness) {
  auto wanted = role({});
  auto& selector = wanted.aggregation_rule.emplace().cluster_role_selectors.emplace_back();
  selector.match_labels["aggregate"] = "true";
  auto existing = wanted;
  existing.rules = {rule({"get"}, "pods")};
  EXPECT_FALSE(reconcile(wanted, existing));
  existing.aggregation_rule.reset();
  const auto out = reconcile(wanted, existing);
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->aggregation_rule);
  EXPECT_EQ(out->rules.size(), 1u);
}

TEST(RbacReconcile, ABindingGetsBackItsSubjects) {
  rbacv1::ClusterRoleBinding wanted;
  wanted.role_ref.kind = "ClusterRole";
  wanted.role_ref.name = "system:x";
  wanted.subjects.emplace_back().name = "a";
  auto existing = wanted;
  existing.subjects[0].name = "b";
  const auto out = reconcile(wanted, existing);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->subjects.size(), 2u);
  EXPECT_EQ(out->subjects[0].name, "b");
  EXPECT_EQ(out->subjects[1].name, "a");
}

TEST(RbacReconcile, ABindingToAnotherRoleBecomesANewOne) {
  rbacv1::RoleBinding wanted;
  wanted.role_ref.name = "system:x";
  auto existing = wanted;
  existing.metadata.uid = "u";
  existing.role_ref.name = "cluster-admin";
  const auto out = reconcile(wanted, existing);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->role_ref.name, "system:x");
  EXPECT_EQ(out->metadata.uid, "");
}

}  // namespace
}  // namespace kpp::apiserver
