#include <gtest/gtest.h>

#include "proxy/rules/iptables.h"
#include "proxy/rules/model.h"
#include "proxy/rules/names.h"
#include "proxy/syncer.h"

namespace kpp::proxy {
namespace {

corev1::Service lab_service() {
  corev1::Service service;
  service.metadata.namespace_ = "default";
  service.metadata.name = "two-containers-service";
  service.spec.type = "ClusterIP";
  service.spec.cluster_ip = "10.99.25.192";
  service.spec.cluster_ips = {"10.99.25.192"};
  for (const auto& [name, number] :
       {std::pair("http1", 80), std::pair("http2", 6800), std::pair("http3", 6880)}) {
    auto& port = service.spec.ports.emplace_back();
    port.name = name;
    port.protocol = "TCP";
    port.port = number;
  }
  return service;
}

std::shared_ptr<const discoveryv1::EndpointSlice> lab_slice(std::vector<std::string> ips) {
  auto slice = std::make_shared<discoveryv1::EndpointSlice>();
  slice->metadata.namespace_ = "default";
  slice->metadata.name = "two-containers-service-abcde";
  slice->metadata.labels["kubernetes.io/service-name"] = "two-containers-service";
  slice->address_type = "IPv4";
  for (const auto& [name, number] :
       {std::pair("http1", 80), std::pair("http2", 6800), std::pair("http3", 6880)}) {
    auto& port = slice->ports.emplace_back();
    port.name = name;
    port.protocol = "TCP";
    port.port = number;
  }
  for (auto& ip : ips) slice->endpoints.emplace_back().addresses = {ip};
  return slice;
}

bool has_line(const std::string& text, const std::string& line) {
  return cat("\n", text).find(cat("\n", line, "\n")) != std::string::npos;
}

TEST(ChainNames, AreThoseOfARealCluster) {
  const ServicePortName http1{"default", "two-containers-service", "http1", "TCP"};
  const ServicePortName http2{"default", "two-containers-service", "http2", "TCP"};
  const ServicePortName http3{"default", "two-containers-service", "http3", "TCP"};
  EXPECT_EQ(ChainNames(http1).cluster, "KUBE-SVC-BKM3I2STRWDME2DT");
  EXPECT_EQ(ChainNames(http2).cluster, "KUBE-SVC-LNJNPLPHP7VJB77L");
  EXPECT_EQ(ChainNames(http3).cluster, "KUBE-SVC-PDVD523OGTVJ5KAE");
  EXPECT_EQ(endpoint_chain(http1, "10.44.0.1:80"), "KUBE-SEP-GVLKTBG6D5YODS2Q");
  EXPECT_EQ(endpoint_chain(http2, "10.44.0.1:6800"), "KUBE-SEP-MSWBCBHQ2GEC5LE6");
  EXPECT_EQ(endpoint_chain(http3, "10.44.0.1:6880"), "KUBE-SEP-R5F6DPSVPW4EEWK6");
}

TEST(ChainNames, OfAPortInSeveralRolesShareTheirHash) {
  const ChainNames names({"default", "kubernetes", "https", "TCP"});
  EXPECT_EQ(names.cluster, "KUBE-SVC-NPX46M4PTMTKRN6Y");
  EXPECT_EQ(names.local, "KUBE-SVL-NPX46M4PTMTKRN6Y");
  EXPECT_EQ(names.external, "KUBE-EXT-NPX46M4PTMTKRN6Y");
  EXPECT_EQ(names.firewall, "KUBE-FW-NPX46M4PTMTKRN6Y");
}

TEST(Rules, OfTheLabServiceLeadFromClusterIpToEndpoint) {
  Model model("class");
  model.put_service(lab_service());
  model.put_slice(lab_slice({"10.44.0.1"}));
  RuleOptions options;
  FamilySyncer syncer(IpFamily::kIPv4);
  const auto plan = syncer.plan(model, options, {}, true);
  EXPECT_TRUE(plan.full);
  EXPECT_TRUE(has_line(
      plan.text,
      "-A KUBE-SERVICES -m comment --comment \"default/two-containers-service:http1 cluster IP\" "
      "-m tcp -p tcp -d 10.99.25.192 --dport 80 -j KUBE-SVC-BKM3I2STRWDME2DT"))
      << plan.text;
  EXPECT_TRUE(has_line(
      plan.text,
      "-A KUBE-SEP-GVLKTBG6D5YODS2Q -m comment --comment \"default/two-containers-service:http1\" "
      "-m tcp -p tcp -j DNAT --to-destination 10.44.0.1:80"))
      << plan.text;
  EXPECT_TRUE(has_line(
      plan.text,
      "-I PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES"));
}

TEST(Rules, AreNotWrittenAgainWithoutAChange) {
  Model model("class");
  model.put_service(lab_service());
  FamilySyncer syncer(IpFamily::kIPv4);
  syncer.done(syncer.plan(model, {}, {}, true));
  EXPECT_FALSE(syncer.needs_sync(model));
  auto relabelled = lab_service();
  relabelled.metadata.labels["a"] = "b";
  model.put_service(relabelled);
  EXPECT_FALSE(syncer.needs_sync(model));
}

TEST(Rules, OfAGoneEndpointAreRemovedInTheSameCall) {
  Model model("class");
  model.put_service(lab_service());
  model.put_slice(lab_slice({"10.44.0.1", "10.44.0.2"}));
  FamilySyncer syncer(IpFamily::kIPv4);
  syncer.done(syncer.plan(model, {}, {}, true));
  model.put_slice(lab_slice({"10.44.0.2"}));
  const auto plan = syncer.plan(model, {}, {}, true);
  EXPECT_FALSE(plan.full);
  EXPECT_TRUE(has_line(plan.text, ":KUBE-SEP-GVLKTBG6D5YODS2Q - [0:0]"));
  EXPECT_TRUE(has_line(plan.text, "-X KUBE-SEP-GVLKTBG6D5YODS2Q"));
}

TEST(Rules, OfAnUnchangedServiceAreLeftAlone) {
  Model model("class");
  model.put_service(lab_service());
  model.put_slice(lab_slice({"10.44.0.1"}));
  FamilySyncer syncer(IpFamily::kIPv4);
  syncer.done(syncer.plan(model, {}, {}, true));
  auto other = lab_service();
  other.metadata.name = "other";
  other.spec.cluster_ips = {"10.99.25.193"};
  model.put_service(other);
  const auto plan = syncer.plan(model, {}, {}, true);
  EXPECT_FALSE(has_line(plan.text, ":KUBE-SVC-BKM3I2STRWDME2DT - [0:0]"));
  EXPECT_NE(plan.text.find("-j KUBE-SVC-BKM3I2STRWDME2DT"), std::string::npos);
  EXPECT_NE(plan.text.find("default/other:http1 has no endpoints"), std::string::npos);
}

TEST(Rules, AreWrittenWholeAfterAFailure) {
  Model model("class");
  FamilySyncer syncer(IpFamily::kIPv4);
  syncer.done(syncer.plan(model, {}, {}, true));
  model.put_service(lab_service());
  const auto first = syncer.plan(model, {}, {}, true);
  EXPECT_FALSE(first.full);
  syncer.failed(first);
  ASSERT_TRUE(syncer.needs_sync(model));
  EXPECT_TRUE(syncer.plan(model, {}, {}, true).full);
}

TEST(KernelRules, ReadWhatIptablesSavePrints) {
  const auto rules = KernelRules::parse(
      "# Generated\n*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SVC-OLD - [0:0]\n"
      "[3:180] -A PREROUTING -m comment --comment \"kubernetes service portals\" -j "
      "KUBE-SERVICES\nCOMMIT\n");
  ASSERT_TRUE(rules);
  EXPECT_TRUE(rules->has_chain("nat", "KUBE-SVC-OLD"));
  RestoreText text;
  write_missing_frame(*rules, true, text);
  EXPECT_EQ(text.to_string().find("-I PREROUTING"), std::string::npos);
  EXPECT_NE(text.to_string().find("-I OUTPUT"), std::string::npos);
  EXPECT_FALSE(KernelRules::parse("-A X -j Y\n"));
}

TEST(RestoreText, DeclaresChainsFromTheLastToTheFirst) {
  RestoreText text;
  for (const char* chain : {"KUBE-SEP-B", "KUBE-SVC-A", "KUBE-SEP-A"}) text.chain("nat", chain);
  EXPECT_EQ(text.to_string(),
            "*nat\n:KUBE-SVC-A - [0:0]\n:KUBE-SEP-B - [0:0]\n:KUBE-SEP-A - [0:0]\nCOMMIT\n");
}

TEST(Cidr, ContainsItsAddresses) {
  const auto range = Cidr::parse("10.1.2.3/12");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->to_string(), "10.0.0.0/12");
  EXPECT_TRUE(range->contains(*Address::parse("10.15.255.255")));
  EXPECT_FALSE(range->contains(*Address::parse("10.16.0.0")));
  EXPECT_FALSE(Cidr::parse("10.0.0.0/33"));
}

}  // namespace
}  // namespace kpp::proxy
