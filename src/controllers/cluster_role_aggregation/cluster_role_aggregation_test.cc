#include "controllers/cluster_role_aggregation/cluster_role_aggregation.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class AggregationTest : public testing::ControllerTest {
 protected:
  void put_role(const std::string& name, const std::string& resource) {
    rbacv1::ClusterRole role;
    role.metadata.name = name;
    role.metadata.labels = {{"to", "admin"}};
    auto& rule = role.rules.emplace_back();
    rule.verbs = {"get"};
    rule.resources = {resource};
    api_.put(role);
    run();
  }
  std::size_t rules() { return api_.get<rbacv1::ClusterRole>({"", "admin"})->rules.size(); }
};

TEST_F(AggregationTest, RulesFollowTheSelectedRolesAndEqualOnesStandOnce) {
  rbacv1::ClusterRole admin;
  admin.metadata.name = "admin";
  admin.aggregation_rule.ensure().cluster_role_selectors.emplace_back().match_labels = {
      {"to", "admin"}};
  api_.put(admin);
  put_role("a", "pods");
  start<ClusterRoleAggregation>();
  EXPECT_EQ(rules(), 1u);
  put_role("b", "pods");
  EXPECT_EQ(rules(), 1u);
  put_role("c", "services");
  EXPECT_EQ(rules(), 2u);
  api_.erase<rbacv1::ClusterRole>({"", "c"});
  run();
  EXPECT_EQ(rules(), 1u);
}

}  // namespace
}  // namespace kpp::controllers
