#include "dns/cluster_zone.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "base/cat.h"
#include "dns/message.h"

namespace kpp::dns {
namespace {

// An answer as lines that can be read: "NOERROR", then a record a line.
std::string text(const Answer& answer) {
  std::string out = answer.rcode == Rcode::kNoError    ? "NOERROR"
                    : answer.rcode == Rcode::kNxDomain ? "NXDOMAIN"
                                                       : "other";
  const auto address = [](const std::string& bytes) {
    char buffer[64];
    return std::string(
        inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), buffer, sizeof buffer));
  };
  for (const auto* section : {&answer.answers, &answer.additional}) {
    if (section == &answer.additional && !section->empty()) out += " |";
    for (const auto& r : *section) {
      out += cat(" ", r.name, "/");
      if (const auto* a = std::get_if<AddressData>(&r.data)) out += address(a->bytes);
      if (const auto* n = std::get_if<NameData>(&r.data)) out += n->name;
      if (const auto* t = std::get_if<TextData>(&r.data)) out += t->text;
      if (const auto* s = std::get_if<SrvData>(&r.data))
        out += cat(s->priority, ",", s->weight, ",", s->port, ",", s->target);
      if (std::holds_alternative<SoaData>(r.data)) out += "soa";
    }
  }
  return out;
}

class ClusterZoneTest : public ::testing::Test {
 protected:
  ClusterZoneTest() {
    service("web", "ClusterIP", {"10.96.0.20"}, {{"http", 80}, {"rpc", 6800}});
    service("db", "ClusterIP", {"None"}, {{"sql", 5432}});
    slice("db-1", "db",
          {{"10.244.0.5", "db-0", true}, {"10.244.0.6", "", true}, {"10.244.0.7", "db-2", false}},
          {{"sql", 5432}});
    slice("web-1", "web", {{"10.244.0.9", "", true}}, {{"http", 80}, {"rpc", 6800}});
    auto external = std::make_shared<corev1::Service>();
    external->spec.type = "ExternalName";
    external->spec.external_name = "db.example.com.";
    zone_.set_service({"lab", "ext"}, external);
  }

  struct PortRow {
    std::string name;
    int port;
  };
  struct EndpointRow {
    std::string address, hostname;
    bool ready;
  };
  void service(const std::string& name, const std::string& type,
               const std::vector<std::string>& ips, const std::vector<PortRow>& ports) {
    auto s = std::make_shared<corev1::Service>();
    s->spec.type = type;
    s->spec.cluster_ip = ips[0];
    s->spec.cluster_ips = ips;
    for (const auto& p : ports) {
      corev1::ServicePort port;
      port.name = p.name;
      port.protocol = "TCP";
      port.port = p.port;
      s->spec.ports.push_back(port);
    }
    zone_.set_service({"lab", name}, s);
  }
  void slice(const std::string& name, const std::string& owner,
             const std::vector<EndpointRow>& rows, const std::vector<PortRow>& ports) {
    auto s = std::make_shared<discoveryv1::EndpointSlice>();
    s->metadata.labels["kubernetes.io/service-name"] = owner;
    s->address_type = "IPv4";
    for (const auto& row : rows) {
      discoveryv1::Endpoint endpoint;
      endpoint.addresses = {row.address};
      if (!row.hostname.empty()) endpoint.hostname = row.hostname;
      endpoint.conditions.ready = row.ready;
      s->endpoints.push_back(endpoint);
    }
    for (const auto& p : ports) {
      discoveryv1::EndpointPort port;
      port.name = p.name;
      port.protocol = "TCP";
      port.port = p.port;
      s->ports.push_back(port);
    }
    zone_.set_slice({"lab", name}, s);
  }
  std::string ask(const std::string& name, std::uint16_t type = kA) {
    return text(zone_.lookup(name, fold(name), type).answer);
  }

  ClusterZone zone_{[] {
    ZoneOptions o;
    o.fallthrough = {"in-addr.arpa"};
    return o;
  }()};
};

TEST_F(ClusterZoneTest, NamesResolveAsTheSpecificationSays) {
  struct Row {
    std::string name;
    std::uint16_t type;
    std::string wanted;
  };
  const Row rows[] = {
      {"web.lab.svc.cluster.local", kA, "NOERROR web.lab.svc.cluster.local/10.96.0.20"},
      {"WEB.lab.SVC.cluster.local", kA, "NOERROR WEB.lab.SVC.cluster.local/10.96.0.20"},
      {"web.lab.svc.cluster.local", kAaaa, "NOERROR"},
      {"web.other.svc.cluster.local", kA, "NXDOMAIN"},
      {"lab.svc.cluster.local", kA, "NOERROR"},
      {"svc.cluster.local", kA, "NOERROR"},
      {"cluster.local", kA, "NOERROR"},
      {"cluster.local", kSoa, "NOERROR cluster.local/soa"},
      {"no.such.cluster.local", kA, "NXDOMAIN"},
      {"dns-version.cluster.local", kTxt, "NOERROR dns-version.cluster.local/1.1.0"},
      {"web.lab.svc.cluster.local", kAny, "NOERROR"},
      {"a.b.c.web.lab.svc.cluster.local", kA, "NXDOMAIN"},
  };
  for (const auto& row : rows)
    EXPECT_EQ(ask(row.name, row.type), row.wanted) << row.name << " " << row.type;
}

TEST_F(ClusterZoneTest, PortsOfServicesAreServiceRecords) {
  EXPECT_EQ(ask("_http._tcp.web.lab.svc.cluster.local", kSrv),
            "NOERROR _http._tcp.web.lab.svc.cluster.local/0,100,80,web.lab.svc.cluster.local | "
            "web.lab.svc.cluster.local/10.96.0.20");
  EXPECT_EQ(ask("_nope._tcp.web.lab.svc.cluster.local", kSrv), "NXDOMAIN");
  EXPECT_EQ(ask("_http._udp.web.lab.svc.cluster.local", kSrv), "NXDOMAIN");
  EXPECT_EQ(ask("http.tcp.web.lab.svc.cluster.local", kSrv), "NXDOMAIN");
}

TEST_F(ClusterZoneTest, HeadlessServicesResolveToTheirReadyEndpoints) {
  EXPECT_EQ(ask("db.lab.svc.cluster.local"),
            "NOERROR db.lab.svc.cluster.local/10.244.0.5 db.lab.svc.cluster.local/10.244.0.6");
  EXPECT_EQ(ask("db-0.db.lab.svc.cluster.local"),
            "NOERROR db-0.db.lab.svc.cluster.local/10.244.0.5");
  EXPECT_EQ(ask("10-244-0-6.db.lab.svc.cluster.local"),
            "NOERROR 10-244-0-6.db.lab.svc.cluster.local/10.244.0.6");
  EXPECT_EQ(ask("db-2.db.lab.svc.cluster.local"), "NXDOMAIN");
  EXPECT_EQ(
      ask("_sql._tcp.db.lab.svc.cluster.local", kSrv),
      "NOERROR _sql._tcp.db.lab.svc.cluster.local/0,50,5432,db-0.db.lab.svc.cluster.local "
      "_sql._tcp.db.lab.svc.cluster.local/0,50,5432,10-244-0-6.db.lab.svc.cluster.local | "
      "db-0.db.lab.svc.cluster.local/10.244.0.5 10-244-0-6.db.lab.svc.cluster.local/10.244.0.6");
  slice("db-1", "db", {}, {{"sql", 5432}});
  EXPECT_EQ(ask("db.lab.svc.cluster.local"), "NXDOMAIN");
}

TEST_F(ClusterZoneTest, AnExternalNameIsAnAlias) {
  const std::string name = "ext.lab.svc.cluster.local";
  const auto found = zone_.lookup(name, name, kA);
  EXPECT_EQ(found.kind, ClusterZone::Found::Kind::kAlias);
  EXPECT_EQ(found.alias, "db.example.com");
  EXPECT_EQ(text(found.answer), "NOERROR ext.lab.svc.cluster.local/db.example.com");
}

TEST_F(ClusterZoneTest, PodsResolveByTheirAddress) {
  EXPECT_EQ(ask("10-244-0-5.lab.pod.cluster.local"),
            "NOERROR 10-244-0-5.lab.pod.cluster.local/10.244.0.5");
  EXPECT_EQ(ask("fd00--5.lab.pod.cluster.local", kAaaa),
            "NOERROR fd00--5.lab.pod.cluster.local/fd00::5");
  EXPECT_EQ(ask("10-244-0-5.lab.pod.cluster.local", kAaaa), "NOERROR");
  EXPECT_EQ(ask("10-244-0.lab.pod.cluster.local"), "NXDOMAIN");
  EXPECT_EQ(ask("web.lab.pod.cluster.local"), "NXDOMAIN");
}

TEST_F(ClusterZoneTest, AddressesResolveToNames) {
  EXPECT_EQ(ask("20.0.96.10.in-addr.arpa", kPtr),
            "NOERROR 20.0.96.10.in-addr.arpa/web.lab.svc.cluster.local");
  EXPECT_EQ(ask("5.0.244.10.in-addr.arpa", kPtr),
            "NOERROR 5.0.244.10.in-addr.arpa/db-0.db.lab.svc.cluster.local");
  const std::string other = "8.8.8.8.in-addr.arpa";
  EXPECT_EQ(zone_.lookup(other, other, kPtr).kind, ClusterZone::Found::Kind::kFallthrough);
}

TEST_F(ClusterZoneTest, ThingsThatGoAreForgotten) {
  zone_.set_service({"lab", "web"}, nullptr);
  EXPECT_EQ(ask("web.lab.svc.cluster.local"), "NXDOMAIN");
  zone_.set_slice({"lab", "db-1"}, nullptr);
  const std::string name = "5.0.244.10.in-addr.arpa";
  EXPECT_EQ(zone_.lookup(name, name, kPtr).kind, ClusterZone::Found::Kind::kFallthrough);
  EXPECT_EQ(ask("db.lab.svc.cluster.local"), "NXDOMAIN");
}

TEST_F(ClusterZoneTest, ASliceThatArrivesBeforeItsServiceCounts) {
  slice("late-1", "late", {{"10.244.1.1", "", true}}, {{"x", 1}});
  EXPECT_EQ(ask("late.lab.svc.cluster.local"), "NXDOMAIN");
  service("late", "ClusterIP", {"None"}, {{"x", 1}});
  EXPECT_EQ(ask("late.lab.svc.cluster.local"), "NOERROR late.lab.svc.cluster.local/10.244.1.1");
}

TEST_F(ClusterZoneTest, NegativeAnswersCarryTheStartOfAuthority) {
  const std::string name = "nope.lab.svc.cluster.local";
  const auto found = zone_.lookup(name, name, kA);
  ASSERT_EQ(found.answer.authority.size(), 1u);
  EXPECT_EQ(found.answer.authority[0].name, "cluster.local");
  EXPECT_EQ(found.answer.authority[0].type, kSoa);
  EXPECT_TRUE(found.answer.authoritative);
}

TEST(ReverseAddress, OnlyWholeAddressesAreRead) {
  EXPECT_EQ(reverse_address("1.0.0.10.in-addr.arpa"), std::string("\x0a\0\0\x01", 4));
  EXPECT_EQ(reverse_address("0.0.10.in-addr.arpa"), "");
  EXPECT_EQ(reverse_address("256.0.0.10.in-addr.arpa"), "");
  EXPECT_EQ(reverse_address("01.0.0.10.in-addr.arpa"), "");
  EXPECT_EQ(reverse_address("in-addr.arpa"), "");
  std::string v6;
  for (int i = 0; i < 32; ++i) v6 += i == 0 ? "1." : "0.";
  EXPECT_EQ(reverse_address(v6 + "ip6.arpa"), std::string(15, '\0') + '\x01');
}

}  // namespace
}  // namespace kpp::dns
