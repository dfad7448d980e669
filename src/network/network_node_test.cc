// The pod network on this machine's kernel; needs root.
#include <sys/socket.h>

#include "base/fs.h"
#include "network/overlay.h"
#include "network/testing/two_nodes.h"

namespace kpp::network::testing {
namespace {

class PodNetwork : public TwoNodes {};

TEST_F(PodNetwork, PodsOfTwoNodesReachEachOtherByTheirOwnAddresses) {
  start_both();
  const Pod one = a_.add_pod();
  const Pod two = b_.add_pod();
  const EchoServer tcp(*two.net, SOCK_STREAM, 80);
  const EchoServer udp(*two.net, SOCK_DGRAM, 53);
  EXPECT_TRUE(soon([&] { return reaches(*one.net, SOCK_STREAM, two.address, 80); }));
  EXPECT_EQ(tcp.last_peer(), one.address) << "no masquerade between pods";
  EXPECT_TRUE(reaches(*one.net, SOCK_DGRAM, two.address, 53));
  EXPECT_EQ(udp.last_peer(), one.address);
}

TEST_F(PodNetwork, TheLargestPacketOfAPodGoesThroughTheTunnelWhole) {
  start_both();
  const Pod one = a_.add_pod();
  const Pod two = b_.add_pod();
  const std::string cni = fs::read_file(cat(a_.directory, "/10-kpp-net.conflist")).value();
  EXPECT_TRUE(cni.contains("\"mtu\": 1450")) << cni;
  const EchoServer udp(*two.net, SOCK_DGRAM, 53);
  // The MTU less the headers of IPv4 and UDP goes; a byte more would need fragments.
  EXPECT_TRUE(passes_whole(*one.net, two.address, 53, kMtu - 28));
  EXPECT_FALSE(passes_whole(*one.net, two.address, 53, kMtu - 27));
}

TEST_F(PodNetwork, ANodeAndThePodsOfAnotherReachEachOther) {
  start_both();
  const Pod two = b_.add_pod();
  const EchoServer pod(*two.net, SOCK_STREAM, 80);
  const EchoServer node(a_.net, SOCK_STREAM, 10250);
  EXPECT_TRUE(reaches(a_.net, SOCK_STREAM, two.address, 80));
  EXPECT_EQ(pod.last_peer(), "10.244.0.0");
  EXPECT_TRUE(reaches(*two.net, SOCK_STREAM, a_.address, 10250));
  EXPECT_EQ(node.last_peer(), b_.address);
}

TEST_F(PodNetwork, TrafficToTheOutsideHasTheNodesAddress) {
  start_both();
  const Pod one = a_.add_pod();
  const EchoServer outside(switch_, SOCK_STREAM, 80);
  EXPECT_TRUE(reaches(*one.net, SOCK_STREAM, "192.168.1.1", 80));
  EXPECT_EQ(outside.last_peer(), a_.address);
}

TEST_F(PodNetwork, ARestartOfAnAgentLosesNothingAndChangesNothing) {
  start_both();
  const Pod one = a_.add_pod();
  const Pod two = b_.add_pod();
  const EchoServer tcp(*two.net, SOCK_STREAM, 80);
  Stream stream(*one.net, two.address, 80);
  ASSERT_TRUE(stream.connected());
  const std::string links = a_.net.run({"ip", "-o", "link"});
  const auto retransmitted = [&] {
    return one.net->run({"sh", "-c", "grep ^Tcp: /proc/net/snmp | tail -1 | cut -d' ' -f13"});
  };
  const std::string before = retransmitted();
  stop(a_);
  EXPECT_TRUE(stream.echoes());
  start(a_);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(stream.echoes(std::chrono::milliseconds(150))) << i;
  EXPECT_EQ(a_.net.run({"ip", "-o", "link"}), links);
  EXPECT_EQ(retransmitted(), before);
}

TEST_F(PodNetwork, WhatSomebodyTakesAwayStandsAgain) {
  start_both();
  const Pod one = a_.add_pod();
  const Pod two = b_.add_pod();
  const EchoServer tcp(*two.net, SOCK_STREAM, 80);
  for (const std::string& harm : {cat("link set ", kTunnelLink, " down"),
                                  cat("route del ", b_.range), cat("link del ", kTunnelLink)}) {
    a_.net.ip({harm});
    EXPECT_TRUE(soon([&] { return reaches(*one.net, SOCK_STREAM, two.address, 80); })) << harm;
  }
}

TEST_F(PodNetwork, ANodeThatGoesTakesItsRouteAlong) {
  start_both();
  there([&] { api_.erase<corev1::Node>({"", b_.name}); });
  EXPECT_TRUE(soon([&] { return !a_.net.run({"ip", "route"}).contains(b_.range); }));
  EXPECT_EQ(a_.net.run({"bridge", "fdb", "show", "dev", kTunnelLink}), "");
  EXPECT_EQ(a_.net.run({"ip", "neigh", "show", "dev", kTunnelLink, "nud", "permanent"}), "");
}

TEST_F(PodNetwork, NodesOnOneLinkNeedNoTunnelIfAsked) {
  NetworkOptions options;
  options.mode = Mode::kDirect;
  start_both(options);
  const Pod one = a_.add_pod();
  const Pod two = b_.add_pod();
  const EchoServer tcp(*two.net, SOCK_STREAM, 80);
  EXPECT_TRUE(reaches(*one.net, SOCK_STREAM, two.address, 80));
  EXPECT_EQ(tcp.last_peer(), one.address);
  const std::string route = a_.net.run({"ip", "route", "get", two.address});
  EXPECT_TRUE(route.contains(cat("via ", b_.address, " dev eth0"))) << route;
}

}  // namespace
}  // namespace kpp::network::testing
