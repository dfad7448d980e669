#include "dockershim/checkpoints.h"

#include <gtest/gtest.h>

#include "dockershim/cni/config.h"
#include "dockershim/cni/network.h"

namespace kpp::dockershim {
namespace {

TEST(Checkpoint, SurvivesItsText) {
  Checkpoint checkpoint{"p", "ns", "u", false, true, {}};
  auto& port = checkpoint.port_mappings.emplace_back();
  port.host_port = 53;
  port.container_port = 5353;
  port.protocol = cri::UDP;
  port.host_ip = "10.0.0.1";
  const auto back = parse_checkpoint(write_checkpoint(checkpoint));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->name, "p");
  EXPECT_EQ(back->pod_namespace, "ns");
  EXPECT_TRUE(back->complete);
  ASSERT_EQ(back->port_mappings.size(), 1U);
  EXPECT_EQ(back->port_mappings[0].protocol, cri::UDP);
  EXPECT_EQ(back->port_mappings[0].host_ip, "10.0.0.1");
}

TEST(Checkpoint, ThatWasDamagedIsCorrupt) {
  std::string text = write_checkpoint({"pod-a", "ns", "u", false, true, {}});
  text.replace(text.find("pod-a"), 5, "pod-b");
  EXPECT_TRUE(parse_checkpoint(text).error().is(Reason::kCorrupt));
  EXPECT_FALSE(parse_checkpoint(text.substr(0, text.size() / 2)));
  EXPECT_FALSE(parse_checkpoint("{}"));
}

TEST(CniConfig, ListsAndSinglePluginsAreRead) {
  const auto list = cni::parse_network_config(
      R"({"cniVersion":"1.0.0","name":"kpp","plugins":[{"type":"bridge"},
          {"type":"portmap","capabilities":{"portMappings":true,"x":false}}]})",
      true);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->plugins.size(), 2U);
  EXPECT_EQ(list->plugins[1].capabilities, std::vector<std::string>{"portMappings"});
  const auto one = cni::parse_network_config(R"({"name":"n","type":"ptp"})", false);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->plugins[0].type, "ptp");
}

TEST(CniConfig, WithoutNamePluginsOrAProgramsNameIsRefused) {
  for (const char* text :
       {"[]", "{}", R"({"name":"n"})", R"({"name":"n","plugins":[]})",
        R"({"name":"n","plugins":[{}]})", R"({"name":"n","plugins":[{"type":"../sh"}]})"}) {
    EXPECT_FALSE(cni::parse_network_config(text, true)) << text;
  }
}

TEST(CniConfig, PluginsAreToldOfTheirCapabilitiesAndTheResultBefore) {
  const auto list = cni::parse_network_config(
      R"({"cniVersion":"1.0.0","name":"kpp","plugins":[{"type":"bridge"},
          {"type":"portmap","capabilities":{"portMappings":true}}]})",
      true);
  ASSERT_TRUE(list);
  const json::Object capabilities{{"portMappings", json::Array{1}}};
  const auto input = [&](std::size_t plugin, const json::Value& before) {
    return json::parse(cni::plugin_input(*list, list->plugins[plugin], capabilities, before))
        .value();
  };
  EXPECT_EQ(input(0, {}),
            json::parse(R"({"type":"bridge","name":"kpp","cniVersion":"1.0.0"})").value());
  EXPECT_EQ(input(1, json::Object{{"ips", 2}}),
            json::parse(R"({"type":"portmap","name":"kpp","cniVersion":"1.0.0",
                            "runtimeConfig":{"portMappings":[1]},"prevResult":{"ips":2}})")
                .value());
}

TEST(CniResult, HasAddressesOfNewAndOldVersions) {
  const auto of = [](std::string_view text) {
    return cni::addresses_of(json::parse(text).value());
  };
  EXPECT_EQ(of(R"({"ips":[{"address":"10.0.0.2/24"},{"address":"fd00::2/64"}]})"),
            (std::vector<std::string>{"10.0.0.2", "fd00::2"}));
  EXPECT_EQ(of(R"({"ip4":{"ip":"10.0.0.3/24"}})"), std::vector<std::string>{"10.0.0.3"});
  EXPECT_TRUE(of("{}").empty());
}

}  // namespace
}  // namespace kpp::dockershim
