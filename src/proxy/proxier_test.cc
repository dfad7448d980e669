#include "proxy/proxier.h"

#include <gtest/gtest.h>

#include "api/discoveryv1.h"
#include "client/testing/fake_api.h"
#include "proxy/conntrack.h"

namespace kpp::proxy {
namespace {

// Takes down what would run; answers what a test sets.
class FakeCommands final : public sys::Commands {
 public:
  async::Task<Result<std::string>> run(std::vector<std::string> argv, std::string input) override {
    const std::string line = join(argv, " ");
    lines.push_back(line);
    if (argv.front() == "iptables-restore") inputs.push_back(input);
    for (auto it = failing.begin(); it != failing.end(); ++it) {
      if (!line.starts_with(*it)) continue;
      failing.erase(it);
      co_return fail(Reason::kIo, "told to fail");
    }
    co_return std::string();
  }
  int count(std::string_view start) const {
    int out = 0;
    for (const auto& line : lines) out += line.starts_with(start) ? 1 : 0;
    return out;
  }
  std::vector<std::string> lines;
  std::vector<std::string> inputs;  // of iptables-restore
  std::vector<std::string> failing;
};

class ProxierTest : public testing::Test {
 protected:
  ProxierTest() : api_(executor_), client_(api_.transport(), "kube-proxy") {
    corev1::Node node;
    node.metadata.name = "class";
    auto& address = node.status.addresses.emplace_back();
    address.type = "InternalIP";
    address.address = "192.168.1.12";
    api_.put(node);
  }
  ~ProxierTest() override {
    scope_.spawn(proxier_.stop());
    executor_.run_until_idle();
  }
  void start() {
    proxier_.start();
    executor_.run_until_idle();
  }
  void put_service(const std::string& name, const std::string& ip) {
    corev1::Service service;
    service.metadata.namespace_ = "default";
    service.metadata.name = name;
    service.spec.type = "ClusterIP";
    service.spec.cluster_ip = ip;
    service.spec.cluster_ips = {ip};
    auto& port = service.spec.ports.emplace_back();
    port.protocol = "TCP";
    port.port = 80;
    api_.put(service);
  }
  static ProxyOptions options() {
    ProxyOptions out;
    out.hostname_override = "class";
    return out;
  }

  async::ManualExecutor executor_;
  client::testing::FakeApi api_;
  client::Client client_;
  FakeCommands commands_;
  LogSink sink_{2};
  async::Scope scope_{executor_};
  Proxier proxier_{{executor_, client_, commands_, Logger(sink_, "proxy")}, options()};
};

TEST_F(ProxierTest, WritesEverythingOnceAtTheStart) {
  put_service("web", "10.98.7.6");
  start();
  ASSERT_EQ(commands_.inputs.size(), 1U);
  EXPECT_NE(commands_.inputs[0].find("default/web has no endpoints"), std::string::npos);
  EXPECT_EQ(commands_.count("iptables-restore -w 5 --noflush --counters"), 1);
  EXPECT_EQ(commands_.count("ip6tables-restore"), 1);
}

TEST_F(ProxierTest, DoesNothingWhileNothingChanges) {
  start();
  const auto before = commands_.inputs.size();
  executor_.advance(std::chrono::minutes(5));
  EXPECT_EQ(commands_.inputs.size(), before);
}

TEST_F(ProxierTest, WritesAChangeOfOneFamilyOnly) {
  start();
  put_service("web", "10.98.7.6");
  executor_.advance(std::chrono::seconds(2));
  EXPECT_EQ(commands_.inputs.size(), 2U);
  EXPECT_EQ(commands_.count("ip6tables-restore"), 1);
}

TEST_F(ProxierTest, WritesEverythingAnewAfterAFlush) {
  start();
  commands_.failing = {"iptables -w 5 -t mangle -S KUBE-PROXY-CANARY"};
  executor_.advance(std::chrono::seconds(31));
  ASSERT_EQ(commands_.inputs.size(), 2U);
  EXPECT_NE(commands_.inputs[1].find(":KUBE-PROXY-CANARY"), std::string::npos);
}

TEST_F(ProxierTest, AFailedWriteIsRepeatedInFull) {
  start();
  commands_.failing = {"iptables-restore"};
  put_service("web", "10.98.7.6");
  executor_.advance(std::chrono::seconds(2));
  ASSERT_EQ(commands_.inputs.size(), 3U);
  EXPECT_EQ(commands_.inputs[1].find("-I PREROUTING"), std::string::npos);
  EXPECT_NE(commands_.inputs[2].find("-I PREROUTING"), std::string::npos);
}

TEST_F(ProxierTest, ANodeThatLeavesIsNotEligible) {
  start();
  api_.edit<corev1::Node>({"", "class"}, [](corev1::Node& node) {
    auto& taint = node.spec.taints.emplace_back();
    taint.key = "ToBeDeletedByClusterAutoscaler";
    taint.effect = "NoSchedule";
  });
  executor_.run_until_idle();
  net::Request request;
  request.path = "/healthz";
  auto task = proxier_.health().handle(request, {});
  std::optional<net::Response> answer;
  struct Wait {
    static async::Task<void> run(async::Task<net::Response> t, std::optional<net::Response>* out) {
      *out = co_await std::move(t);
    }
  };
  scope_.spawn(Wait::run(std::move(task), &answer));
  executor_.run_until_idle();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
}

TEST(Conntrack, FlowsToGoneEndpointsAreStale) {
  const auto flows = parse_flows(
      "udp      17 29 src=10.44.0.9 dst=10.96.0.10 sport=5000 dport=53 src=10.44.0.1 dst=10.44.0.9 "
      "sport=5353 "
      "dport=5000 [ASSURED] mark=0 use=1\n"
      "udp      17 29 src=10.44.0.9 dst=10.96.0.10 sport=5001 dport=53 [UNREPLIED] src=10.32.0.5 "
      "dst=10.44.0.9 "
      "sport=5353 dport=5001 mark=0 use=1\n"
      "udp      17 29 src=10.44.0.9 dst=8.8.8.8 sport=5002 dport=53 src=8.8.8.8 dst=10.44.0.9 "
      "sport=53 dport=5002\n");
  ASSERT_EQ(flows.size(), 3U);
  FamilyModel model;
  const ServicePortName name{"kube-system", "dns", "dns", "UDP"};
  model.services[name].cluster_ip = "10.96.0.10";
  model.services[name].port = 53;
  EXPECT_TRUE(stale_flows(flows, model, {}).empty());  // without endpoints nothing is cleared
  Endpoint endpoint;
  endpoint.ip = "10.44.0.1";
  endpoint.port = 5353;
  model.endpoints[name] = {endpoint};
  const auto stale = stale_flows(flows, model, {});
  ASSERT_EQ(stale.size(), 1U);
  EXPECT_EQ(stale[0].source_port, 5001);
}

}  // namespace
}  // namespace kpp::proxy
