#include "controllers/pod_gc/pod_gc_controller.h"

#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

using std::chrono::seconds;

class PodGcTest : public testing::ControllerTest {
 protected:
  void put_pod(const std::string& name, const std::string& node, const std::string& phase) {
    corev1::Pod pod;
    pod.metadata.name = name;
    pod.metadata.namespace_ = "default";
    pod.metadata.creation_timestamp = api::Time::from(executor_.wall());
    pod.spec.node_name = node;
    pod.status.phase = phase;
    api_.put(pod);
    advance(seconds(1));
  }
  void put_node(const std::string& name) {
    corev1::Node node;
    node.metadata.name = name;
    api_.put(node);
  }
  std::size_t pods() { return api_.all<corev1::Pod>().size(); }
};

TEST_F(PodGcTest, PodsOfANodeThatIsGoneFollowAfterTheQuarantine) {
  put_node("n1");
  put_pod("p", "n1", "Running");
  start<PodGarbageCollector>();
  api_.erase<corev1::Node>({"", "n1"});
  advance(seconds(39));
  EXPECT_EQ(pods(), 1u);
  advance(seconds(2));
  EXPECT_EQ(pods(), 0u);
}

TEST_F(PodGcTest, ANodeThatComesBackKeepsItsPods) {
  put_node("n1");
  put_pod("p", "n1", "Running");
  start<PodGarbageCollector>();
  api_.erase<corev1::Node>({"", "n1"});
  advance(seconds(20));
  put_node("n1");
  advance(seconds(60));
  EXPECT_EQ(pods(), 1u);
}

TEST_F(PodGcTest, TheOldestFinishedPodsGoBeyondTheThreshold) {
  put_node("n1");
  start<PodGarbageCollector>(std::size_t{2});
  for (const auto* name : {"a", "b", "c", "d"}) put_pod(name, "n1", "Succeeded");
  EXPECT_EQ(pods(), 2u);
  EXPECT_FALSE(api_.get<corev1::Pod>({"default", "a"}));
  EXPECT_TRUE(api_.get<corev1::Pod>({"default", "d"}));
}

}  // namespace
}  // namespace kpp::controllers
