#include "apiserver/auth/node_authorizer.h"

#include <gtest/gtest.h>

#include "apiserver/auth/authorizer.h"
#include "apiserver/testing/cached_cluster.h"

namespace kpp::apiserver {
namespace {

using testing::CachedCluster;

User node(std::string_view name) {
  User out;
  out.name = cat("system:node:", name);
  out.groups = {"system:nodes", "system:authenticated"};
  return out;
}

AccessRequest access(std::string verb, std::string resource, std::string ns, std::string name) {
  AccessRequest out;
  out.verb = std::move(verb);
  out.resource = std::move(resource);
  out.namespace_ = std::move(ns);
  out.name = std::move(name);
  out.version = "v1";
  return out;
}

constexpr std::string_view kPod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"ns"},"spec":{"nodeName":"n1",)"
    R"("serviceAccountName":"robot","containers":[{"name":"c","envFrom":[{"secretRef":{"name":"env"}}]}],)"
    R"("volumes":[{"name":"a","secret":{"secretName":"vol"}},{"name":"b","persistentVolumeClaim":{"claimName":"claim"}},)"
    R"({"name":"t","projected":{"sources":[{"configMap":{"name":"kube-root-ca.crt"}}]}}]}})";

class NodeAuthorizerTest : public ::testing::Test {
 protected:
  Decision ask(std::string_view who, const AccessRequest& request) {
    return authorizer_.authorize(node(who), request);
  }
  bool may(std::string_view who, const AccessRequest& request) {
    return ask(who, request).allowed();
  }

  CachedCluster cluster_;
  NodeAuthorizer authorizer_{cluster_.cache, cluster_.table};
};

TEST_F(NodeAuthorizerTest, ANodeReadsWhatItsPodsNeedAndNoOtherNodeDoes) {
  cluster_.put("pods/ns/p", kPod);
  cluster_.show();
  for (const char* secret : {"env", "vol"}) {
    EXPECT_TRUE(may("n1", access("get", "secrets", "ns", secret))) << secret;
    EXPECT_FALSE(may("n2", access("get", "secrets", "ns", secret))) << secret;
    EXPECT_FALSE(may("n1", access("get", "secrets", "other", secret))) << secret;
  }
  EXPECT_TRUE(may("n1", access("get", "configmaps", "ns", "kube-root-ca.crt")));
  EXPECT_TRUE(may("n1", access("get", "persistentvolumeclaims", "ns", "claim")));
  EXPECT_TRUE(may("n1", access("get", "pods", "ns", "p")));
  EXPECT_FALSE(may("n2", access("get", "pods", "ns", "p")));
  const Decision denied = ask("n2", access("get", "secrets", "ns", "env"));
  EXPECT_EQ(denied.verdict, Verdict::kNoOpinion);
  EXPECT_EQ(denied.reason, "no relationship found between node 'n2' and this object");
}

TEST_F(NodeAuthorizerTest, RightsEndWithThePod) {
  cluster_.put("pods/ns/p", kPod);
  cluster_.show();
  ASSERT_TRUE(may("n1", access("get", "secrets", "ns", "env")));
  cluster_.remove("pods/ns/p");
  cluster_.show();
  EXPECT_FALSE(may("n1", access("get", "secrets", "ns", "env")));
  EXPECT_FALSE(may("n1", access("get", "pods", "ns", "p")));
}

TEST_F(NodeAuthorizerTest, APodMadeAgainUnderItsNameGivesTheRightsOfItsNewSpec) {
  cluster_.put("pods/ns/p", kPod);
  cluster_.show();
  ASSERT_TRUE(may("n1", access("get", "secrets", "ns", "env")));
  cluster_.remove("pods/ns/p");
  cluster_.put(
      "pods/ns/p",
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"ns"},"spec":{"nodeName":"n1","containers":[]}})");
  cluster_.show();
  EXPECT_FALSE(may("n1", access("get", "secrets", "ns", "env")));
  EXPECT_TRUE(may("n1", access("get", "pods", "ns", "p")));
}

TEST_F(NodeAuthorizerTest, AMirrorPodGivesNoRights) {
  cluster_.put(
      "pods/ns/m",
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"m","namespace":"ns","annotations":{"kubernetes.io/config.mirror":"x"}},)"
      R"("spec":{"nodeName":"n1","volumes":[{"name":"a","secret":{"secretName":"s"}}],"containers":[]}})");
  cluster_.show();
  EXPECT_FALSE(may("n1", access("get", "secrets", "ns", "s")));
}

TEST_F(NodeAuthorizerTest, AVolumeAndItsSecretsAreReadThroughTheClaim) {
  cluster_.put("pods/ns/p", kPod);
  cluster_.put(
      "persistentvolumeclaims/ns/claim",
      R"({"kind":"PersistentVolumeClaim","apiVersion":"v1","metadata":{"name":"claim","namespace":"ns"},"spec":{"volumeName":"pv"}})");
  cluster_.put(
      "persistentvolumes/pv",
      R"({"kind":"PersistentVolume","apiVersion":"v1","metadata":{"name":"pv"},"spec":{"claimRef":{"namespace":"ns","name":"claim"},)"
      R"("csi":{"driver":"d","volumeHandle":"h","nodeStageSecretRef":{"namespace":"drivers","name":"stage"}}}})");
  cluster_.show();
  EXPECT_TRUE(may("n1", access("get", "persistentvolumes", "", "pv")));
  EXPECT_TRUE(may("n1", access("get", "secrets", "drivers", "stage")));
  EXPECT_FALSE(may("n2", access("get", "persistentvolumes", "", "pv")));
  EXPECT_FALSE(may("n2", access("get", "secrets", "drivers", "stage")));
}

TEST_F(NodeAuthorizerTest, TokensAreMadeForAccountsOfTheNodesPods) {
  cluster_.put("pods/ns/p", kPod);
  cluster_.show();
  AccessRequest token = access("create", "serviceaccounts", "ns", "robot");
  token.subresource = "token";
  EXPECT_TRUE(may("n1", token));
  EXPECT_FALSE(may("n2", token));
  token.name = "other";
  EXPECT_FALSE(may("n1", token));
}

TEST_F(NodeAuthorizerTest, ListsAreOfTheNodesOwn) {
  AccessRequest pods = access("list", "pods", "", "");
  EXPECT_EQ(ask("n1", pods).reason, "can only list/watch pods with spec.nodeName field selector");
  pods.field_values = {{"spec.nodeName", "n1"}};
  EXPECT_TRUE(may("n1", pods));
  EXPECT_FALSE(may("n2", pods));
  EXPECT_EQ(ask("n1", access("list", "secrets", "ns", "")).reason, "No Object name found");
  EXPECT_EQ(ask("n1", access("list", "secrets", "", "")).reason,
            "can only read namespaced object of this type");
  EXPECT_EQ(ask("n1", access("list", "nodes", "", "")).reason,
            "node 'n1' cannot read all nodes, only its own Node object");
  EXPECT_TRUE(may("n1", access("watch", "nodes", "", "n1")));
}

TEST_F(NodeAuthorizerTest, ALeaseIsTheNodesOwn) {
  AccessRequest lease = access("update", "leases", "kube-node-lease", "n1");
  lease.group = "coordination.k8s.io";
  EXPECT_TRUE(may("n1", lease));
  EXPECT_EQ(ask("n2", lease).reason,
            "can only access node lease with the same name as the requesting node");
  lease.namespace_ = "kube-system";
  EXPECT_EQ(ask("n1", lease).reason,
            "can only access leases in the \"kube-node-lease\" system namespace");
}

TEST_F(NodeAuthorizerTest, OthersAreNoBusinessOfIts) {
  User user = node("n1");
  user.groups = {"system:authenticated"};
  EXPECT_EQ(authorizer_.authorize(user, access("list", "services", "", "")).verdict,
            Verdict::kNoOpinion);
  EXPECT_TRUE(may("n1", access("list", "services", "", "")));
  EXPECT_FALSE(may("n1", access("delete", "services", "ns", "s")));
  EXPECT_FALSE(may("n1", access("list", "deployments", "ns", "")));
}

TEST(AuthorizationModes, AreNamedOnceAndKnown) {
  const auto parse = [](std::vector<std::string> words) {
    return parse_authorization_modes(words);
  };
  ASSERT_TRUE(parse({"Node", "RBAC"}));
  EXPECT_EQ(parse({"RBAC", "RBAC"}).error().message(),
            "authorization-mode [RBAC RBAC] has mode specified more than once");
  EXPECT_EQ(parse({"rbac"}).error().message(), "authorization-mode \"rbac\" is not a valid mode");
  EXPECT_EQ(parse({"Webhook"}).error().message(),
            "authorization-mode \"Webhook\" is not supported by this server");
  EXPECT_FALSE(parse({}));
}

TEST(Authorizer, WhatNoModeAllowsIsDeniedWithTheReasonsOfAll) {
  CachedCluster cluster;
  const Authorizer authorizer(cluster.cache, cluster.table,
                              {AuthorizationMode::kNode, AuthorizationMode::kAlwaysDeny});
  cluster.show();
  const Decision decision = authorizer.authorize(node("n1"), access("get", "secrets", "ns", "s"));
  EXPECT_EQ(decision.reason,
            "no relationship found between node 'n1' and this object\nEverything is forbidden.");
  User master;
  master.groups = {"system:masters"};
  EXPECT_TRUE(authorizer.authorize(master, access("delete", "nodes", "", "n")).allowed());
}

}  // namespace
}  // namespace kpp::apiserver
