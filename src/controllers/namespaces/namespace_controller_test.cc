#include "controllers/namespaces/namespace_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

using std::chrono::seconds;

class NamespaceTest : public testing::ControllerTest {
 protected:
  NamespaceTest() {
    corev1::Namespace ns;
    ns.metadata.name = "blue";
    ns.spec.finalizers = {"kubernetes"};
    ns.status.phase = "Active";
    api_.put(ns);
    corev1::ConfigMap map;
    map.metadata.name = "m";
    map.metadata.namespace_ = "blue";
    api_.put(map);
    map.metadata.namespace_ = "red";
    api_.put(map);
  }
};

TEST_F(NamespaceTest, AllContentGoesAndThenTheNamespace) {
  start<NamespaceController>();
  EXPECT_EQ(api_.remove<corev1::Namespace>({"", "blue"}), 200);
  run();
  EXPECT_EQ(api_.get<corev1::Namespace>({"", "blue"})->status.phase, "Terminating");
  advance(seconds(6));
  EXPECT_FALSE(api_.get<corev1::Namespace>({"", "blue"}));
  EXPECT_FALSE(api_.get<corev1::ConfigMap>({"blue", "m"}));
  EXPECT_TRUE(api_.get<corev1::ConfigMap>({"red", "m"}));
}

TEST_F(NamespaceTest, AFinalizerThatIsLeftIsNamedInTheConditions) {
  api_.edit<corev1::ConfigMap>({"blue", "m"},
                               [](auto& m) { m.metadata.finalizers = {"example.com/hold"}; });
  start<NamespaceController>();
  EXPECT_EQ(api_.remove<corev1::Namespace>({"", "blue"}), 200);
  advance(seconds(6));
  const auto ns = api_.get<corev1::Namespace>({"", "blue"});
  ASSERT_TRUE(ns);
  std::map<std::string, std::string> messages;
  for (const auto& c : ns->status.conditions)
    messages[c.type] = cat(c.status, " ", c.reason, ": ", c.message);
  EXPECT_EQ(messages["NamespaceContentRemaining"],
            "True SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource "
            "instances");
  EXPECT_EQ(messages["NamespaceFinalizersRemaining"],
            "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: "
            "example.com/hold in 1 "
            "resource instances");
  api_.edit<corev1::ConfigMap>({"blue", "m"}, [](auto& m) { m.metadata.finalizers.clear(); });
  api_.erase<corev1::ConfigMap>({"blue", "m"});
  advance(seconds(20));
  EXPECT_FALSE(api_.get<corev1::Namespace>({"", "blue"}));
}

}  // namespace
}  // namespace kpp::controllers
