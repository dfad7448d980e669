#include "network/policy/policy_rules.h"

#include <gtest/gtest.h>

#include "api/json_codec.h"
#include "codec/yaml.h"
#include "network/testing/packet_walk.h"

namespace kpp::network {
namespace {

using testing::Packet;
using testing::passes;

constexpr int kTcp = 6;
constexpr int kUdp = 17;
constexpr int kSctp = 132;

template <class T>
T from_yaml(std::string_view text) {
  T out;
  const auto document = yaml::parse(text);
  EXPECT_TRUE(document.has_value()) << text;
  const Status read = api::from_json(*document, T::desc(), &out, {});
  EXPECT_TRUE(read.ok()) << read.to_string();
  return out;
}

PodFacts pod(const std::string& address, const std::string& ns, api::Labels labels,
             const std::string& node = "here") {
  PodFacts out;
  out.namespace_ = ns;
  out.node = node;
  out.address = address;
  out.labels = std::move(labels);
  return out;
}

// A small cluster: the pods db, web and client on this node, others elsewhere; and outside.
class PolicyRules : public ::testing::Test {
 protected:
  static constexpr const char* kDb = "10.0.0.2";
  static constexpr const char* kWeb = "10.0.0.3";
  static constexpr const char* kClient = "10.0.0.4";
  static constexpr const char* kFarWeb = "10.0.1.2";
  static constexpr const char* kOther = "10.0.1.3";  // of namespace other
  static constexpr const char* kOutside = "203.0.113.9";

  PolicyRules() {
    facts_.node = "here";
    facts_.namespaces = {{"default", {{"project", "mine"}}}, {"other", {{"project", "theirs"}}}};
    facts_.pods = {pod(kDb, "default", {{"role", "db"}}),
                   pod(kWeb, "default", {{"role", "frontend"}}),
                   pod(kClient, "default", {{"role", "client"}}),
                   pod(kFarWeb, "default", {{"role", "frontend"}}, "there"),
                   pod(kOther, "other", {{"role", "frontend"}}, "there")};
    facts_.pods[0].ports = {{"sql", "TCP", 6379}, {"gossip", "UDP", 7946}};
    facts_.pods[3].ports = {{"http", "TCP", 8080}};
    facts_.pods[4].ports = {{"http", "TCP", 9090}};
  }

  void policy(const std::string& name, std::string_view spec, const std::string& ns = "default") {
    auto read = from_yaml<networkingv1::NetworkPolicy>(
        cat("metadata: {name: ", name, ", namespace: ", ns, "}\nspec: ", spec));
    facts_.policies.push_back(std::make_shared<networkingv1::NetworkPolicy>(std::move(read)));
  }

  bool reaches(const std::string& from, const std::string& to, int port = 80, int protocol = kTcp) {
    Ruleset rules;
    add_policy_rules(facts_, rules);
    return passes(rules, {from, to, protocol, port});
  }

  PolicyFacts facts_;
};

TEST_F(PolicyRules, WithoutAPolicyForAPodOfThisNodeThereAreNoRules) {
  Ruleset rules;
  add_policy_rules(facts_, rules);
  EXPECT_EQ(rules, Ruleset());
  policy("elsewhere", "{podSelector: {}}", "other");
  add_policy_rules(facts_, rules);
  EXPECT_EQ(rules, Ruleset());
}

TEST_F(PolicyRules, DefaultDenyOfIngressLeavesEgressAlone) {
  policy("deny", "{podSelector: {}, policyTypes: [Ingress]}");
  EXPECT_FALSE(reaches(kWeb, kDb));
  EXPECT_FALSE(reaches(kOutside, kDb));
  EXPECT_TRUE(reaches(kDb, kOutside));
  EXPECT_TRUE(reaches(kDb, kOther));
}

TEST_F(PolicyRules, DefaultDenyOfEgressLeavesIngressAlone) {
  policy("deny", "{podSelector: {}, policyTypes: [Egress]}");
  EXPECT_FALSE(reaches(kDb, kOutside));
  EXPECT_FALSE(reaches(kDb, kWeb));
  EXPECT_TRUE(reaches(kOutside, kDb));
}

TEST_F(PolicyRules, APodReachesItselfWhateverIsForbidden) {
  policy("deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}");
  EXPECT_TRUE(reaches(kDb, kDb));
  EXPECT_FALSE(reaches(kDb, kWeb));
}

TEST_F(PolicyRules, AnEmptyRuleAllowsEverything) {
  policy("deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}");
  policy("allow", "{podSelector: {}, ingress: [{}], egress: [{}], policyTypes: [Ingress, Egress]}");
  EXPECT_TRUE(reaches(kOutside, kDb));
  EXPECT_TRUE(reaches(kDb, kOutside, 1, kUdp));
  EXPECT_TRUE(reaches(kWeb, kDb));
}

TEST_F(PolicyRules, TypesThatAreNotGivenAreIngressAndEgressIfThereIsARuleForIt) {
  policy("in", "{podSelector: {matchLabels: {role: db}}}");
  EXPECT_FALSE(reaches(kWeb, kDb));
  EXPECT_TRUE(reaches(kDb, kWeb));
  policy("both", "{podSelector: {matchLabels: {role: client}}, egress: [{ports: [{port: 53}]}]}");
  EXPECT_FALSE(reaches(kWeb, kClient));
  EXPECT_FALSE(reaches(kClient, kWeb, 80));
  EXPECT_TRUE(reaches(kClient, kWeb, 53));
}

// The example of the API's documentation.
TEST_F(PolicyRules, PeersAreAnyOfAndTheirPortsToo) {
  policy("test", R"({podSelector: {matchLabels: {role: db}}, policyTypes: [Ingress, Egress],
    ingress: [{from: [{ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}},
                      {namespaceSelector: {matchLabels: {project: theirs}}},
                      {podSelector: {matchLabels: {role: frontend}}}],
               ports: [{protocol: TCP, port: 6379}]}],
    egress: [{to: [{ipBlock: {cidr: 10.0.0.0/24}}], ports: [{protocol: TCP, port: 5978}]}]})");
  EXPECT_TRUE(reaches("172.17.0.1", kDb, 6379));
  EXPECT_TRUE(reaches("172.17.2.0", kDb, 6379));
  EXPECT_FALSE(reaches("172.17.1.7", kDb, 6379));
  EXPECT_FALSE(reaches("172.18.0.1", kDb, 6379));
  EXPECT_TRUE(reaches(kOther, kDb, 6379));
  EXPECT_TRUE(reaches(kFarWeb, kDb, 6379));
  EXPECT_FALSE(reaches(kClient, kDb, 6379));
  EXPECT_FALSE(reaches(kWeb, kDb, 6380));
  EXPECT_FALSE(reaches(kWeb, kDb, 6379, kUdp));
  EXPECT_TRUE(reaches(kDb, "10.0.0.99", 5978));
  EXPECT_FALSE(reaches(kDb, "10.0.1.99", 5978));
  EXPECT_FALSE(reaches(kDb, "10.0.0.99", 5979));
}

TEST_F(PolicyRules, ANamespaceAndAPodSelectorOfOnePeerMustBothMatch) {
  policy("both", R"({podSelector: {matchLabels: {role: db}}, ingress: [{from:
    [{namespaceSelector: {matchLabels: {project: theirs}},
      podSelector: {matchLabels: {role: frontend}}}]}]})");
  EXPECT_TRUE(reaches(kOther, kDb));
  EXPECT_FALSE(reaches(kWeb, kDb));
  facts_.pods[4].labels = {{"role", "client"}};
  EXPECT_FALSE(reaches(kOther, kDb));
}

TEST_F(PolicyRules, APodSelectorAloneMeansPodsOfThePolicysNamespace) {
  policy("pods",
         "{podSelector: {matchLabels: {role: db}}, ingress: [{from: [{podSelector: {}}]}]}");
  EXPECT_TRUE(reaches(kClient, kDb));
  EXPECT_TRUE(reaches(kFarWeb, kDb));
  EXPECT_FALSE(reaches(kOther, kDb));
}

TEST_F(PolicyRules, AnEmptyNamespaceSelectorMeansAllPodsButNothingOutside) {
  policy("all", R"({podSelector: {matchLabels: {role: db}},
    ingress: [{from: [{namespaceSelector: {}}]}]})");
  EXPECT_TRUE(reaches(kOther, kDb));
  EXPECT_TRUE(reaches(kClient, kDb));
  EXPECT_FALSE(reaches(kOutside, kDb));
}

TEST_F(PolicyRules, PeersThatSelectNobodyAllowNobody) {
  policy("none", R"({podSelector: {matchLabels: {role: db}},
    ingress: [{from: [{podSelector: {matchLabels: {role: nobody}}}]}]})");
  EXPECT_FALSE(reaches(kWeb, kDb));
  EXPECT_FALSE(reaches(kOutside, kDb));
}

TEST_F(PolicyRules, ExpressionsAreUnderstood) {
  policy("in",
         R"({podSelector: {matchExpressions: [{key: role, operator: In, values: [db, client]}]},
    ingress: [{from: [{namespaceSelector: {matchExpressions:
      [{key: project, operator: NotIn, values: [mine]}]}}]}]})");
  EXPECT_TRUE(reaches(kOther, kDb));
  EXPECT_FALSE(reaches(kWeb, kDb));
  EXPECT_FALSE(reaches(kWeb, kClient));
  EXPECT_TRUE(reaches(kOutside, kWeb)) << "not selected";
}

TEST_F(PolicyRules, PoliciesAddUp) {
  policy("one", "{podSelector: {matchLabels: {role: db}}, ingress: [{ports: [{port: 80}]}]}");
  policy("two", "{podSelector: {matchLabels: {role: db}}, ingress: [{ports: [{port: 443}]}]}");
  EXPECT_TRUE(reaches(kWeb, kDb, 80));
  EXPECT_TRUE(reaches(kWeb, kDb, 443));
  EXPECT_FALSE(reaches(kWeb, kDb, 8080));
}

TEST_F(PolicyRules, BothEndsOfAConnectionOnOneNodeAreAsked) {
  policy("out", R"({podSelector: {matchLabels: {role: client}}, policyTypes: [Egress],
    egress: [{ports: [{port: 80}, {port: 81}]}]})");
  policy("in", R"({podSelector: {matchLabels: {role: db}}, policyTypes: [Ingress],
    ingress: [{ports: [{port: 81}, {port: 82}]}]})");
  EXPECT_TRUE(reaches(kClient, kDb, 81));
  EXPECT_FALSE(reaches(kClient, kDb, 80)) << "the receiver forbids it";
  EXPECT_FALSE(reaches(kClient, kDb, 82)) << "the sender forbids it";
  EXPECT_TRUE(reaches(kClient, kWeb, 80));
}

TEST_F(PolicyRules, PortsWithAnEndAreRanges) {
  policy("range", R"({podSelector: {matchLabels: {role: client}}, policyTypes: [Egress],
    egress: [{ports: [{protocol: TCP, port: 32000, endPort: 32768}, {protocol: TCP, port: 32100}]}]})");
  EXPECT_TRUE(reaches(kClient, kOutside, 32000));
  EXPECT_TRUE(reaches(kClient, kOutside, 32768));
  EXPECT_FALSE(reaches(kClient, kOutside, 31999));
  EXPECT_FALSE(reaches(kClient, kOutside, 32769));
}

TEST_F(PolicyRules, AProtocolWithoutAPortMeansAllItsPorts) {
  policy("protocols", R"({podSelector: {matchLabels: {role: db}},
    ingress: [{ports: [{protocol: UDP}, {protocol: SCTP, port: 3868}]}]})");
  EXPECT_TRUE(reaches(kWeb, kDb, 1, kUdp));
  EXPECT_TRUE(reaches(kWeb, kDb, 65535, kUdp));
  EXPECT_TRUE(reaches(kWeb, kDb, 3868, kSctp));
  EXPECT_FALSE(reaches(kWeb, kDb, 3869, kSctp));
  EXPECT_FALSE(reaches(kWeb, kDb, 80, kTcp));
}

TEST_F(PolicyRules, APortWithoutAProtocolIsOfTcp) {
  policy("tcp", "{podSelector: {matchLabels: {role: db}}, ingress: [{ports: [{port: 53}]}]}");
  EXPECT_TRUE(reaches(kWeb, kDb, 53, kTcp));
  EXPECT_FALSE(reaches(kWeb, kDb, 53, kUdp));
}

TEST_F(PolicyRules, ANamedPortOfIngressIsThatOfTheReceiver) {
  policy("named", R"({podSelector: {matchLabels: {role: db}},
    ingress: [{ports: [{port: sql}, {protocol: UDP, port: gossip}, {port: nonsense}]}]})");
  EXPECT_TRUE(reaches(kWeb, kDb, 6379, kTcp));
  EXPECT_TRUE(reaches(kWeb, kDb, 7946, kUdp));
  EXPECT_FALSE(reaches(kWeb, kDb, 7946, kTcp)) << "the name is one of UDP";
  EXPECT_FALSE(reaches(kWeb, kDb, 80, kTcp));
}

TEST_F(PolicyRules, ANamedPortOfEgressIsThatOfEachReceiver) {
  policy("named", R"({podSelector: {matchLabels: {role: client}}, policyTypes: [Egress],
    egress: [{to: [{namespaceSelector: {}}], ports: [{port: http}]}]})");
  EXPECT_TRUE(reaches(kClient, kFarWeb, 8080));
  EXPECT_TRUE(reaches(kClient, kOther, 9090));
  EXPECT_FALSE(reaches(kClient, kOther, 8080));
  EXPECT_FALSE(reaches(kClient, kOutside, 8080));
}

TEST_F(PolicyRules, ANamedPortThatNobodyHasAllowsNothing) {
  policy("named", "{podSelector: {matchLabels: {role: db}}, ingress: [{ports: [{port: nobody}]}]}");
  EXPECT_FALSE(reaches(kWeb, kDb, 80));
}

TEST_F(PolicyRules, ABlockOfAllAddressesMayHaveExceptions) {
  policy("internet", R"({podSelector: {matchLabels: {role: client}}, policyTypes: [Egress],
    egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 192.168.0.0/16]}}]}]})");
  EXPECT_TRUE(reaches(kClient, kOutside));
  EXPECT_TRUE(reaches(kClient, "255.255.255.254"));
  EXPECT_FALSE(reaches(kClient, kDb));
  EXPECT_FALSE(reaches(kClient, "192.168.1.1"));
}

TEST_F(PolicyRules, ABlockOfTheOtherFamilyMatchesNothing) {
  policy("v6", R"({podSelector: {matchLabels: {role: db}},
    ingress: [{from: [{ipBlock: {cidr: "2001:db8::/64"}}]}]})");
  EXPECT_FALSE(reaches(kWeb, kDb));
}

TEST_F(PolicyRules, ALabelThatChangesIsOneElement) {
  policy("web", R"({podSelector: {matchLabels: {role: db}},
    ingress: [{from: [{podSelector: {matchLabels: {role: frontend}}}]}]})");
  Ruleset before;
  add_policy_rules(facts_, before);
  facts_.pods[2].labels = {{"role", "frontend"}};
  Ruleset after;
  add_policy_rules(facts_, after);
  const std::string text = table_changes(before, after);
  EXPECT_TRUE(text.starts_with("add element ip kpp-net p-")) << text;
  EXPECT_TRUE(text.ends_with(" { 10.0.0.4 }\n")) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
}

TEST(PodFactsOf, PodsWithTheNodesAddressAndEndedOnesHaveNone) {
  corev1::Pod running;
  running.metadata.namespace_ = "default";
  running.status.pod_ip = "10.0.0.2";
  running.status.phase = "Running";
  EXPECT_TRUE(facts_of(running).has_value());
  corev1::Pod ended = running;
  ended.status.phase = "Succeeded";
  EXPECT_FALSE(facts_of(ended).has_value());
  corev1::Pod on_host = running;
  on_host.spec.host_network = true;
  EXPECT_FALSE(facts_of(on_host).has_value());
  corev1::Pod waiting = running;
  waiting.status.pod_ip.clear();
  EXPECT_FALSE(facts_of(waiting).has_value());
}

TEST(PodFactsOf, PortsOfContainersThatRunBesideTheOthersCount) {
  const auto read = from_yaml<corev1::Pod>(R"({metadata: {namespace: a},
    spec: {containers: [{name: c, ports: [{name: http, containerPort: 80}, {containerPort: 81}]}],
           initContainers: [{name: once, ports: [{name: setup, containerPort: 1}]},
                            {name: side, restartPolicy: Always, ports: [{name: metrics, containerPort: 9, protocol: UDP}]}]},
    status: {podIP: 10.0.0.2}})");
  const auto facts = facts_of(read);
  ASSERT_TRUE(facts.has_value());
  EXPECT_EQ(facts->ports, (std::vector<NamedPort>{{"http", "TCP", 80}, {"metrics", "UDP", 9}}));
}

}  // namespace
}  // namespace kpp::network
