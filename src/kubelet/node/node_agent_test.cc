#include "kubelet/node/node_agent.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "api/coordinationv1.h"
#include "client/testing/fake_api.h"
#include "kubelet/cri/testing/fake_runtime.h"

namespace kpp::kubelet {
namespace {

using std::chrono::seconds;

// The way to an API server, which can be cut: then nothing is answered until the caller gives up.
class Wire final : public net::Transport {
 public:
  Wire(async::Executor& executor, net::Transport& inner) : executor_(executor), inner_(inner) {}
  async::Task<Result<net::Response>> send(net::Request request, bool want_stream,
                                          async::StopToken stop) override {
    if (cut) {
      async::Waiter waiter(executor_);
      (void)co_await waiter.wait(stop);
      co_return fail(Reason::kCanceled, "stopped");
    }
    co_return co_await inner_.send(std::move(request), want_stream, std::move(stop));
  }
  bool cut = false;

 private:
  async::Executor& executor_;
  net::Transport& inner_;
};

struct NodeAgentTest : ::testing::Test {
  NodeAgentTest() {
    options.node_name = "node1";
    options.node_ip = "192.0.2.10";
    options.node_labels = {{"disk", "ssd"}};
    options.register_with_taints = {{"node-role.kubernetes.io/control-plane", "", "NoSchedule"}};
    machine.cpus = 2;
    machine.memory_bytes = std::int64_t{1} << 30;
    machine.boot_id = "b1";
  }
  ~NodeAgentTest() override {
    async::Scope scope(executor);
    if (agent) scope.spawn(agent->stop());
    executor.run_until_idle();
  }
  void start() {
    agent.emplace(executor, runtime, client, Logger(sink, "test"), options, machine, events);
    agent->start();
    executor.run_until_idle();
  }
  corev1::Node node() { return api.get<corev1::Node>({"", "node1"}).value(); }
  WallTime renewed() {
    return api.get<coordinationv1::Lease>({"kube-node-lease", "node1"})->spec.renew_time->wall();
  }

  LogSink sink{::open("/dev/null", O_WRONLY)};
  async::ManualExecutor executor;
  client::testing::FakeApi api{executor};
  Wire wire{executor, api.transport()};
  client::Client client{wire, "kubelet"};
  client::EventRecorder recorder{executor, client, Logger(sink, "test"), "kubelet", "node1"};
  NodeEvents events{recorder, "node1"};
  testing::FakeRuntime runtime{executor};
  KubeletOptions options;
  Machine machine;
  std::optional<NodeAgent> agent;
};

TEST_F(NodeAgentTest, ANodeRegistersWithItsLabelsAndTaints) {
  start();
  EXPECT_EQ(node().metadata.labels.at("disk"), "ssd");
  EXPECT_EQ(node().metadata.labels.at("kubernetes.io/hostname"), "node1");
  ASSERT_EQ(node().spec.taints.size(), 1U);
  EXPECT_EQ(node().spec.taints[0].key, "node-role.kubernetes.io/control-plane");
  EXPECT_EQ(node().status.addresses.at(0).address, "192.0.2.10");
}

TEST_F(NodeAgentTest, TaintsAreForTheRegistrationAlone) {
  start();
  api.edit<corev1::Node>({"", "node1"}, [](corev1::Node& n) { n.spec.taints.clear(); });
  executor.advance(seconds(30));
  EXPECT_TRUE(node().spec.taints.empty());
}

TEST_F(NodeAgentTest, AnExtendedResourceThatStandsInTheCapacityIsAllocatable) {
  start();
  const std::string name = "example.com/dongle";
  const api::Quantity amount("4");
  api.edit<corev1::Node>({"", "node1"}, [&](corev1::Node& n) { n.status.capacity[name] = amount; });
  executor.advance(seconds(30));
  EXPECT_EQ(node().status.capacity.at(name), amount);
  EXPECT_EQ(node().status.allocatable.at(name), amount);
  EXPECT_GT(node().status.allocatable.size(), 1U);
}

TEST_F(NodeAgentTest, AHeartbeatThatHangsIsGivenUpAndTheNextOneIsMade) {
  start();
  executor.advance(seconds(11));
  wire.cut = true;
  executor.advance(seconds(120));
  const WallTime before = renewed();
  wire.cut = false;
  executor.advance(seconds(20));
  EXPECT_GT(renewed(), before + seconds(100));
}

}  // namespace
}  // namespace kpp::kubelet
