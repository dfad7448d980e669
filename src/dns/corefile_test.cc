#include "dns/corefile.h"

#include <gtest/gtest.h>

namespace kpp::dns {
namespace {

constexpr std::string_view kUsual = R"(.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
consul.local:53 { # a stub domain
    errors
    cache 30
    forward . 10.150.0.1
}
)";

TEST(Corefile, TheUsualOneIsReadWhole) {
  const auto blocks = parse_corefile(kUsual);
  ASSERT_TRUE(blocks.has_value()) << blocks.error().message();
  ASSERT_EQ(blocks->size(), 2u);
  const auto& block = (*blocks)[0];
  EXPECT_EQ(block.zones, std::vector<std::string>{""});
  EXPECT_EQ(block.kubernetes->domain, "cluster.local");
  EXPECT_EQ(block.kubernetes->reverse_zones,
            (std::vector<std::string>{"in-addr.arpa", "ip6.arpa"}));
  EXPECT_EQ(block.kubernetes->fallthrough, (std::vector<std::string>{"in-addr.arpa", "ip6.arpa"}));
  EXPECT_EQ(block.kubernetes->ttl, 30u);
  EXPECT_EQ(block.forward->to, std::vector<std::string>{"/etc/resolv.conf"});
  EXPECT_EQ(block.forward->max_concurrent, 1000);
  EXPECT_EQ(block.cache->success_ttl, 30u);
  EXPECT_EQ(block.cache->denial_ttl, 30u);
  EXPECT_EQ(block.without_effect, (std::vector<std::string>{"lameduck", "loop", "reload"}));
  EXPECT_EQ(block.health, ":8080");
  EXPECT_EQ(block.ready, ":8181");
  EXPECT_EQ(block.prometheus, ":9153");
  EXPECT_TRUE(block.loadbalance && block.errors);
  EXPECT_EQ((*blocks)[1].zones, std::vector<std::string>{"consul.local"});
}

TEST(Corefile, FaultsNameTheirLine) {
  struct Row {
    std::string text, wanted;
  };
  const Row rows[] = {
      {".:53 {\n  forward . 1.1.1.1\n  rewrite name a b\n}\n",
       "Corefile:3: unknown plugin \"rewrite\""},
      {".:53 {\n  kubernetes cluster.local {\n    pods verified\n  }\n}\n",
       "Corefile:3: pods wants insecure or disabled (verified is not served)"},
      {".:53 {\n  forward . tls://1.1.1.1\n}\n",
       "Corefile:2: forward speaks plain DNS only, not \"tls://1.1.1.1\""},
      {".:53 {\n  forward . 1.1.1.1\n", "Corefile:2: a closing brace is missing"},
      {".:53 {\n}\n}\n", "Corefile:3: a closing brace without an opening one"},
      {".:53 {\n  errors\n}\n",
       "Corefile:1: a block needs kubernetes or forward, or it can answer nothing"},
      {".:x {\n  forward . 1.1.1.1\n}\n", "Corefile:1: \".:x\" has no port after the colon"},
      {".:53 {\n  forward . 1.1.1.1\n  log\n}\n", "Corefile:3: unknown plugin \"log\""},
      {"", "Corefile: no block in it"},
  };
  for (const auto& row : rows) {
    const auto blocks = parse_corefile(row.text);
    ASSERT_FALSE(blocks.has_value()) << row.text;
    EXPECT_EQ(blocks.error().message(), row.wanted);
  }
}

TEST(ResolvConf, NameserversAreFound) {
  EXPECT_EQ(nameservers("# nameserver 9.9.9.9\nnameserver 10.0.0.1\nsearch x\nnameserver\tfd00::1 "
                        "# second\nnameserverx 1.1.1.1\n"),
            (std::vector<std::string>{"10.0.0.1", "fd00::1"}));
}

}  // namespace
}  // namespace kpp::dns
