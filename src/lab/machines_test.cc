#include "lab/machines.h"

#include <gtest/gtest.h>

#include "lab/cluster.h"

namespace kpp::lab {
namespace {

TEST(Machines, FirstTwoHaveTheLabsAddresses) {
  const auto machines = parse_machines("class,class2,class3");
  ASSERT_TRUE(machines);
  ASSERT_EQ(machines->size(), 3U);
  EXPECT_EQ((*machines)[0].address, "192.168.1.12");
  EXPECT_EQ((*machines)[1].address, "192.168.1.8");
  EXPECT_EQ((*machines)[2].address, "192.168.1.20");
}

TEST(Machines, AddressesMayBeGiven) {
  const auto machines = parse_machines("a=192.168.1.30,b=192.168.1.31");
  ASSERT_TRUE(machines);
  EXPECT_EQ((*machines)[1].name, "b");
  EXPECT_EQ((*machines)[1].address, "192.168.1.31");
}

TEST(Machines, WrongListsAreRefusedByName) {
  const struct {
    const char* name;
    const char* text;
    const char* message;
  } rows[] = {
      {"empty", "", "\"\" cannot name a machine"},
      {"upper case", "A", "\"A\" cannot name a machine"},
      {"no address", "a=b", "\"b\" is no address"},
      {"network", "a=192.168.1.0/24", "\"192.168.1.0/24\" is no address"},
      {"same name", "a,a", "two machines are a"},
      {"same address", "a=192.168.1.9,b=192.168.1.9", "two machines are 192.168.1.9"},
  };
  for (const auto& row : rows) {
    const auto machines = parse_machines(row.text);
    ASSERT_FALSE(machines) << row.name;
    EXPECT_TRUE(machines.error().message().starts_with(row.message))
        << row.name << ": " << machines.error().message();
  }
}

TEST(Machines, ANumberMakesNames) {
  const auto machines = parse_machines("3");
  ASSERT_TRUE(machines.has_value());
  ASSERT_EQ(machines->size(), 3U);
  EXPECT_EQ((*machines)[0].name, "node1");
  EXPECT_EQ((*machines)[2].name, "node3");
  EXPECT_EQ((*machines)[0].address, "192.168.1.12");
  EXPECT_NE((*machines)[1].address, (*machines)[2].address);
}

TEST(JoinCommand, IsTheLastOneThatInitPrints) {
  EXPECT_EQ(join_command_of("Then join:\n\nkubeadm join 192.168.1.12:6443 --token a.b \\\n\t"
                            "--discovery-token-ca-cert-hash sha256:1 \n"),
            "kubeadm join 192.168.1.12:6443 --token a.b   --discovery-token-ca-cert-hash sha256:1");
  EXPECT_EQ(join_command_of("error"), "");
}

}  // namespace
}  // namespace kpp::lab
