#include "apiserver/service_account_check.h"

#include <gtest/gtest.h>

#include "apiserver/admission/plugins.h"
#include "apiserver/allocators.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/testing/cached_cluster.h"

namespace kpp::apiserver {
namespace {

using testing::CachedCluster;

constexpr WallTime kNow{std::chrono::seconds{1'700'000'000}};  // 2023-11-14T22:13:20Z

class ServiceAccountCheckTest : public ::testing::Test {
 protected:
  ServiceAccountCheckTest() {
    put("serviceaccounts", "ServiceAccount", "ns", "robot", "u1");
    put("pods", "Pod", "ns", "p", "u2");
    put("secrets", "Secret", "ns", "s", "u3");
    put("minions", "Node", "", "n", "u4");
    cluster_.show();
    claims_.namespace_ = "ns";
    claims_.service_account = "robot";
    claims_.service_account_uid = "u1";
  }

  void put(std::string_view resource, std::string_view kind, std::string_view ns,
           std::string_view name, std::string_view uid, std::string_view more = {}) {
    cluster_.put(cat(resource, "/", ns, ns.empty() ? "" : "/", name),
                 cat(R"({"kind":")", kind, R"(","apiVersion":"v1","metadata":{"name":")", name,
                     R"(","namespace":")", ns, R"(","uid":")", uid, "\"", more, "}}"));
  }
  bool in_force() {
    Authorizer authorizer(cluster_.cache, cluster_.table);
    const auto allocators = Allocators::make(cluster_.cache, cluster_.table, "10.96.0.0/16");
    Admission admission(cluster_.cache, cluster_.table, {});
    const Core core{cluster_.executor, cluster_.store, cluster_.cache, cluster_.table,
                    authorizer,        admission,      **allocators,   nullptr,
                    nullptr,           cluster_.log};
    return is_in_force(claims_, core, kNow);
  }

  CachedCluster cluster_;
  TokenClaims claims_;
};

TEST_F(ServiceAccountCheckTest, ATokenIsGoodWhileItsAccountIsThere) {
  EXPECT_TRUE(in_force());
  claims_.service_account_uid = "another";
  EXPECT_FALSE(in_force());
}

TEST_F(ServiceAccountCheckTest, ATokenEndsWithWhatItIsBoundTo) {
  claims_.pod_name = "p";
  claims_.pod_uid = "u2";
  EXPECT_TRUE(in_force());
  claims_.pod_uid = "of an earlier pod";
  EXPECT_FALSE(in_force());
  claims_.pod_name.clear();
  claims_.secret_name = "s";
  claims_.secret_uid = "u3";
  EXPECT_TRUE(in_force());
  claims_.secret_name = "gone";
  EXPECT_FALSE(in_force());
  claims_.secret_name.clear();
  claims_.node_name = "n";
  claims_.node_uid = "u4";
  EXPECT_TRUE(in_force());
  claims_.node_uid = "of an earlier node";
  EXPECT_FALSE(in_force());
}

TEST_F(ServiceAccountCheckTest, ThePodsNodeMayBeGone) {
  claims_.pod_name = "p";
  claims_.pod_uid = "u2";
  claims_.node_name = "gone";
  EXPECT_TRUE(in_force());
}

TEST_F(ServiceAccountCheckTest, WhatIsBeingDeletedCountsForAMinuteMore) {
  claims_.pod_name = "p";
  claims_.pod_uid = "u2";
  put("pods", "Pod", "ns", "p", "u2", R"(,"deletionTimestamp":"2023-11-14T22:12:50Z")");
  cluster_.show();
  EXPECT_TRUE(in_force());
  put("pods", "Pod", "ns", "p", "u2", R"(,"deletionTimestamp":"2023-11-14T22:12:00Z")");
  cluster_.show();
  EXPECT_FALSE(in_force());
}

}  // namespace
}  // namespace kpp::apiserver
