#include "lab/node_spec.h"

#include <gtest/gtest.h>

#include "lab/node_network.h"

namespace kpp::lab {
namespace {

TEST(InitSpec, SurvivesItsFile) {
  InitSpec spec;
  spec.node.name = "node1";
  spec.node.binds = {{"/a b", "/c", true}, {"/d", "/d", false}};
  spec.node.files = {{"/etc/resolv.conf", "nameserver 192.0.2.53\nsearch x\\y\n"}};
  spec.directory = "/var/lib/x";
  spec.address = "10.199.0.2";
  spec.cgroup_procs = {"/sys/fs/cgroup/cpu/x/cgroup.procs"};
  const auto state = StateFile::parse(to_state(spec).text());
  ASSERT_TRUE(state);
  const auto back = init_spec_from(*state);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(back->node.binds.size(), 2U);
  EXPECT_EQ(back->node.binds[0].source, "/a b");
  EXPECT_TRUE(back->node.binds[0].read_only);
  EXPECT_EQ(back->node.files[0].content, "nameserver 192.0.2.53\nsearch x\\y\n");
  EXPECT_EQ(back->cgroup_procs, spec.cgroup_procs);
}

TEST(InitSpec, IncompleteDescriptionIsCorrupt) {
  StateFile state;
  state.add("name", "node1");
  EXPECT_TRUE(init_spec_from(state).error().is(Reason::kCorrupt));
}

TEST(StateFile, LineWithoutKeyIsCorrupt) {
  EXPECT_TRUE(StateFile::parse("novalue\n").error().is(Reason::kCorrupt));
  EXPECT_TRUE(StateFile::parse(" value\n").error().is(Reason::kCorrupt));
}

TEST(CheckName, OnlyLabelsPass) {
  EXPECT_TRUE(check_name("node", "node-1").ok());
  for (const char* bad : {"", "-a", "a-", "A", "a/b", "..", "a b"}) {
    EXPECT_FALSE(check_name("node", bad).ok()) << bad;
  }
}

TEST(PickNetwork, UsedOnesAreSkipped) {
  const auto network = [](const char* text) { return *sys::parse_ipv4_network(text); };
  EXPECT_EQ(pick_network({}, 30)->to_string(), "10.199.0.0/30");
  EXPECT_EQ(pick_network({network("10.199.0.0/30"), network("10.199.1.0/24")}, 30)->to_string(),
            "10.199.2.0/30");
  EXPECT_TRUE(pick_network({network("10.0.0.0/8")}, 24).error().is(Reason::kServiceUnavailable));
}

TEST(LinkName, FitsAnInterfaceAndDiffersByNode) {
  EXPECT_LE(link_name("a-very-long-laboratory-name", "node1").size(), 15U);
  EXPECT_LE(bridge_name("a-very-long-laboratory-name").size(), 15U);
  EXPECT_NE(link_name("lab", "node1"), link_name("lab", "node2"));
}

}  // namespace
}  // namespace kpp::lab
