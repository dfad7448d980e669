// Network policies on this machine's kernel; needs root.
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>

#include "network/testing/two_nodes.h"

namespace kpp::network::testing {
namespace {

class PolicyOnNodes : public TwoNodes {
 protected:
  static bool tcp(const Pod& from, const Pod& to, std::uint16_t port = 80) {
    return reaches(*from.net, SOCK_STREAM, to.address, port);
  }
  void relabel(const std::string& pod, api::Labels labels) {
    there([&] {
      api_.edit<corev1::Pod>({"default", pod},
                             [&](corev1::Pod& object) { object.metadata.labels = labels; });
    });
  }
};

TEST_F(PolicyOnNodes, APolicyIsEnforcedWithinASecondAndGoesAgain) {
  start_both();
  const Pod client = run_pod(a_, "client", {{"role", "client"}});
  const Pod db = run_pod(b_, "db", {{"role", "db"}});
  const EchoServer server(*db.net, SOCK_STREAM, 80);
  ASSERT_TRUE(soon([&] { return tcp(client, db); }));
  put("{metadata: {name: deny, namespace: default}, spec: {podSelector: {matchLabels: {role: db}}, "
      "policyTypes: [Ingress]}}");
  EXPECT_TRUE(soon([&] { return !tcp(client, db); }));
  there([&] { api_.erase<networkingv1::NetworkPolicy>({"default", "deny"}); });
  EXPECT_TRUE(soon([&] { return tcp(client, db); }));
}

TEST_F(PolicyOnNodes, PodsOfOneNodeAreKeptApartOverTheirBridge) {
  start_both();
  const Pod client = run_pod(a_, "client", {{"role", "client"}});
  const Pod db = run_pod(a_, "db", {{"role", "db"}});
  const EchoServer server(*db.net, SOCK_STREAM, 80);
  put("{metadata: {name: deny, namespace: default}, spec: {podSelector: {matchLabels: {role: db}}, "
      "policyTypes: [Ingress]}}");
  EXPECT_TRUE(soon([&] { return !tcp(client, db); }));
  EXPECT_TRUE(reaches(a_.net, SOCK_STREAM, db.address, 80)) << "the kubelet's probes pass";
}

TEST_F(PolicyOnNodes, ALabelThatChangesOpensAndCloses) {
  start_both();
  const Pod client = run_pod(a_, "client", {{"role", "client"}});
  const Pod db = run_pod(b_, "db", {{"role", "db"}});
  const EchoServer server(*db.net, SOCK_STREAM, 80);
  put("{metadata: {name: some, namespace: default}, spec: {podSelector: {matchLabels: {role: db}}, "
      "ingress: [{from: [{podSelector: {matchLabels: {access: \"true\"}}}]}]}}");
  ASSERT_TRUE(soon([&] { return !tcp(client, db); }));
  const auto began = std::chrono::steady_clock::now();
  relabel("client", {{"role", "client"}, {"access", "true"}});
  EXPECT_TRUE(soon([&] { return tcp(client, db); }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  relabel("client", {{"role", "client"}});
  EXPECT_TRUE(soon([&] { return !tcp(client, db); }));
}

TEST_F(PolicyOnNodes, EgressPortsAndProtocolsCount) {
  start_both();
  const Pod client = run_pod(a_, "client", {{"role", "client"}});
  const Pod db = run_pod(b_, "db", {{"role", "db"}});
  const EchoServer open(*db.net, SOCK_STREAM, 8085);
  const EchoServer closed(*db.net, SOCK_STREAM, 9000);
  const EchoServer datagrams(*db.net, SOCK_DGRAM, 8085);
  put("{metadata: {name: out, namespace: default}, spec: {podSelector: {matchLabels: {role: "
      "client}}, "
      "policyTypes: [Egress], egress: [{ports: [{port: 8080, endPort: 8090}]}]}}");
  EXPECT_TRUE(soon([&] { return !tcp(client, db, 9000); }));
  EXPECT_TRUE(tcp(client, db, 8085));
  EXPECT_FALSE(reaches(*client.net, SOCK_DGRAM, db.address, 8085));
}

TEST_F(PolicyOnNodes, ARunningConnectionGoesOnAndARestartOpensNothing) {
  start_both();
  const Pod client = run_pod(a_, "client", {{"role", "client"}});
  const Pod db = run_pod(b_, "db", {{"role", "db"}});
  const EchoServer server(*db.net, SOCK_STREAM, 80);
  ASSERT_TRUE(soon([&] { return tcp(client, db); }));
  Stream stream(*client.net, db.address, 80);
  ASSERT_TRUE(stream.connected());
  ASSERT_TRUE(stream.echoes());
  put("{metadata: {name: deny, namespace: default}, spec: {podSelector: {}, policyTypes: "
      "[Ingress]}}");
  ASSERT_TRUE(soon([&] { return !tcp(client, db); }));
  EXPECT_TRUE(stream.echoes());
  stop(b_);
  EXPECT_FALSE(tcp(client, db)) << "the rules stand without the agent";
  start(b_);
  for (int i = 0; i < 10; ++i)
    ASSERT_FALSE(reaches(*client.net, SOCK_STREAM, db.address, 80, std::chrono::milliseconds(50)));
  EXPECT_TRUE(stream.echoes());
}

TEST_F(PolicyOnNodes, APolicySeesThePodBehindAServicesAddress) {
  start_both();
  const Pod client = run_pod(a_, "client", {{"role", "client"}});
  const Pod db = run_pod(b_, "db", {{"role", "db"}});
  const EchoServer server(*db.net, SOCK_STREAM, 8080);
  // As kube-proxy would.
  a_.net.run({"iptables", "-t", "nat", "-A", "PREROUTING", "-d", "10.96.0.99", "-p", "tcp",
              "--dport", "80", "-j", "DNAT", "--to-destination", cat(db.address, ":8080")});
  const auto by_service = [&] { return reaches(*client.net, SOCK_STREAM, "10.96.0.99", 80); };
  ASSERT_TRUE(soon(by_service));
  put("{metadata: {name: out, namespace: default}, spec: {podSelector: {matchLabels: {role: "
      "client}}, "
      "policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {role: db}}}], ports: "
      "[{port: 8080}]}]}}");
  ASSERT_TRUE(soon([&] {
    return a_.net.run({"nft", "list", "table", "ip", "kpp-net"}).contains("egress-pods");
  }));
  EXPECT_TRUE(by_service());
  relabel("db", {{"role", "other"}});
  EXPECT_TRUE(soon([&] { return !by_service(); }));
}

}  // namespace
}  // namespace kpp::network::testing
