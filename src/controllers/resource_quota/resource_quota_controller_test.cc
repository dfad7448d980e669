#include "controllers/resource_quota/resource_quota_controller.h"

#include "api/appsv1.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class ResourceQuotaTest : public testing::ControllerTest {
 protected:
  void put_quota(const std::map<std::string, std::string>& hard) {
    corev1::ResourceQuota quota;
    quota.metadata.namespace_ = "default";
    quota.metadata.name = "q";
    for (const auto& [name, amount] : hard) quota.spec.hard[name] = api::Quantity(amount);
    api_.put(quota);
    run();
  }
  void put_pod(const std::string& name, const std::string& cpu) {
    corev1::Pod pod;
    pod.metadata.namespace_ = "default";
    pod.metadata.name = name;
    pod.spec.containers.emplace_back().resources.requests["cpu"] = api::Quantity(cpu);
    api_.put(pod);
    run();
  }
  std::map<std::string, std::string> used() {
    std::map<std::string, std::string> out;
    for (const auto& [name, amount] :
         api_.get<corev1::ResourceQuota>({"default", "q"})->status.used) {
      out[name] = amount.text;
    }
    return out;
  }
  using Used = std::map<std::string, std::string>;
};

TEST_F(ResourceQuotaTest, ANewQuotaIsCounted) {
  put_pod("a", "250m");
  put_pod("b", "1");
  start<ResourceQuotaController>();
  put_quota({{"pods", "5"}, {"requests.cpu", "2"}, {"count/configmaps", "3"}, {"bogus", "1"}});
  EXPECT_EQ(used(), (Used{{"pods", "2"}, {"requests.cpu", "1250m"}, {"count/configmaps", "0"}}));
  EXPECT_EQ(api_.get<corev1::ResourceQuota>({"default", "q"})->status.hard.at("bogus").text, "1");
}

TEST_F(ResourceQuotaTest, WhatIsDeletedIsGivenBack) {
  put_pod("a", "1");
  put_pod("b", "1");
  start<ResourceQuotaController>();
  put_quota({{"pods", "5"}});
  api_.erase<corev1::Pod>({"default", "a"});
  run();
  EXPECT_EQ(used(), (Used{{"pods", "1"}}));
}

TEST_F(ResourceQuotaTest, APodThatHasEndedTakesNothingButCounts) {
  put_pod("a", "1");
  start<ResourceQuotaController>();
  put_quota({{"pods", "5"}, {"cpu", "2"}, {"count/pods", "9"}});
  EXPECT_EQ(used(), (Used{{"pods", "1"}, {"cpu", "1"}, {"count/pods", "1"}}));
  api_.edit<corev1::Pod>({"default", "a"}, [](auto& pod) { pod.status.phase = "Succeeded"; });
  run();
  EXPECT_EQ(used(), (Used{{"pods", "0"}, {"cpu", "0"}, {"count/pods", "1"}}));
}

TEST_F(ResourceQuotaTest, AScopeCountsThePodsThatItMeans) {
  put_pod("a", "1");
  corev1::Pod none;
  none.metadata.namespace_ = "default";
  none.metadata.name = "none";
  none.spec.containers.emplace_back();
  api_.put(none);
  start<ResourceQuotaController>();
  corev1::ResourceQuota quota;
  quota.metadata.namespace_ = "default";
  quota.metadata.name = "q";
  quota.spec.hard["pods"] = api::Quantity("5");
  quota.spec.scopes = {"BestEffort"};
  api_.put(quota);
  run();
  EXPECT_EQ(used(), (Used{{"pods", "1"}}));
}

TEST_F(ResourceQuotaTest, KindsOfAnyGroupAreCounted) {
  start<ResourceQuotaController>();
  put_quota({{"count/deployments.apps", "2"}, {"services.nodeports", "3"}});
  corev1::Service service;
  service.metadata.namespace_ = "default";
  service.metadata.name = "s";
  service.spec.type = "NodePort";
  service.spec.ports.resize(2);
  api_.put(service);
  appsv1::Deployment deployment;
  deployment.metadata.namespace_ = "default";
  deployment.metadata.name = "d";
  api_.put(deployment);
  run();
  advance(std::chrono::seconds(2));
  EXPECT_EQ(used(), (Used{{"count/deployments.apps", "1"}, {"services.nodeports", "2"}}));
}

}  // namespace
}  // namespace kpp::controllers
