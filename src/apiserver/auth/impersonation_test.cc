#include "apiserver/auth/impersonation.h"

#include <gtest/gtest.h>

#include "apiserver/testing/cached_cluster.h"

namespace kpp::apiserver {
namespace {

using testing::CachedCluster;

class ImpersonationTest : public ::testing::Test {
 protected:
  ImpersonationTest() { user_.name = "bob"; }

  // Gives everybody who asks here one right.
  void grant(const std::string& verb, const std::string& group, const std::string& resource,
             const std::string& name = {}) {
    const std::string role = cat("r", ++roles_);
    cluster_.put(
        cat("clusterroles/", role),
        cat(R"({"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":")",
            role, R"("},"rules":[{"verbs":[")", verb, R"("],"apiGroups":[")", group,
            R"("],"resources":[")", resource, "\"]",
            name.empty() ? "" : cat(",\"resourceNames\":[\"", name, "\"]"), "}]}"));
    cluster_.put(
        cat("clusterrolebindings/", role),
        cat(R"({"kind":"ClusterRoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":")",
            role,
            R"("},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":")",
            role,
            R"("},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":")",
            user_.name, "\"}]}"));
    cluster_.show();
  }
  Result<User> act_as(const std::string& name) {
    net::Headers headers;
    headers.add("Impersonate-User", name);
    AccessRequest access;
    access.verb = "list";
    access.resource = "pods";
    access.version = "v1";
    return impersonate(authorizer_, user_, headers, access);
  }

  CachedCluster cluster_;
  Authorizer authorizer_{cluster_.cache, cluster_.table};
  User user_;
  int roles_ = 0;
};

TEST_F(ImpersonationTest, TakesTheRightForThePersonOrForThisAccessAlone) {
  EXPECT_EQ(act_as("alice").error().message(),
            "pods is forbidden: User \"bob\" cannot impersonate-on:user-info:list resource "
            "\"pods\" in API group \"\" at the cluster scope");
  grant("impersonate-on:user-info:list", "", "pods");
  EXPECT_FALSE(act_as("alice"));
  grant("impersonate:user-info", "authentication.k8s.io", "users", "alice");
  ASSERT_TRUE(act_as("alice"));
  EXPECT_FALSE(act_as("carol"));
  grant("impersonate", "", "users", "carol");
  EXPECT_TRUE(act_as("carol"));
}

TEST_F(ImpersonationTest, WhoMayActAsAnybodyIsNotANode) {
  grant("impersonate-on:user-info:list", "", "pods");
  grant("impersonate:user-info", "authentication.k8s.io", "users");
  EXPECT_TRUE(act_as("alice"));
  EXPECT_FALSE(act_as("system:node:n1"));
  grant("impersonate-on:arbitrary-node:list", "", "pods");
  grant("impersonate:arbitrary-node", "authentication.k8s.io", "nodes", "n1");
  const auto node = act_as("system:node:n1");
  ASSERT_TRUE(node);
  EXPECT_TRUE(node->in_group("system:nodes"));
  EXPECT_FALSE(act_as("system:node:n2"));
}

TEST_F(ImpersonationTest, APodActsAsTheNodeThatItIsOn) {
  user_.name = "system:serviceaccount:ns:agent";
  grant("impersonate-on:associated-node:list", "", "pods");
  grant("impersonate:associated-node", "authentication.k8s.io", "nodes");
  EXPECT_FALSE(act_as("system:node:n1"));
  user_.extra["authentication.kubernetes.io/node-name"] = {"n1"};
  EXPECT_TRUE(act_as("system:node:n1"));
  EXPECT_FALSE(act_as("system:node:n2"));
}

}  // namespace
}  // namespace kpp::apiserver
