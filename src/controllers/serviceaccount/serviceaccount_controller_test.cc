#include "controllers/serviceaccount/serviceaccount_controller.h"

#include "controllers/serviceaccount/root_ca_publisher.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class ServiceAccountTest : public testing::ControllerTest {
 protected:
  ServiceAccountTest() {
    corev1::Namespace ns;
    ns.metadata.name = "blue";
    ns.status.phase = "Active";
    api_.put(ns);
  }
};

TEST_F(ServiceAccountTest, EveryNamespaceHasADefaultAccountAndGetsItBack) {
  start<ServiceAccountController>();
  EXPECT_TRUE(api_.get<corev1::ServiceAccount>({"blue", "default"}));
  EXPECT_EQ(api_.remove<corev1::ServiceAccount>({"blue", "default"}), 200);
  run();
  EXPECT_TRUE(api_.get<corev1::ServiceAccount>({"blue", "default"}));
}

TEST_F(ServiceAccountTest, ANamespaceThatEndsGetsNone) {
  api_.edit<corev1::Namespace>({"", "blue"}, [](auto& ns) { ns.status.phase = "Terminating"; });
  start<ServiceAccountController>();
  EXPECT_FALSE(api_.get<corev1::ServiceAccount>({"blue", "default"}));
}

TEST_F(ServiceAccountTest, TheRootCertificateIsPublishedAndRepaired) {
  start<RootCaPublisher>(std::string("PEM"));
  EXPECT_EQ(api_.get<corev1::ConfigMap>({"blue", "kube-root-ca.crt"})->data.at("ca.crt"), "PEM");
  api_.edit<corev1::ConfigMap>({"blue", "kube-root-ca.crt"},
                               [](auto& m) { m.data["ca.crt"] = "other"; });
  run();
  EXPECT_EQ(api_.get<corev1::ConfigMap>({"blue", "kube-root-ca.crt"})->data.at("ca.crt"), "PEM");
}

}  // namespace
}  // namespace kpp::controllers
