#include "kubeadm/machine_identity.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fs.h"

namespace kpp::kubeadm {
namespace {

class Identity : public ::testing::Test {
 protected:
  ~Identity() override { (void)fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    const std::string full = cat(root_, path);
    ASSERT_TRUE(fs::make_directories(full.substr(0, full.rfind('/'))).ok());
    ASSERT_TRUE(fs::write_file_atomic(full, text).ok());
  }
  void write_link(const std::string& name, const std::string& type, const std::string& address) {
    write(cat("/sys/class/net/", name, "/type"), type);
    write(cat("/sys/class/net/", name, "/address"), address);
  }
  const std::string root_ = cat(::testing::TempDir(), "/kpp-identity-", ::getpid());
};

TEST_F(Identity, IsTheFirmwaresNumberAndTheAddressesOfCards) {
  write("/etc/machine-id", "abc\n");
  write_link("eth1", "1\n", "02:00:00:00:00:02\n");
  write_link("eth0", "1\n", "02:00:00:00:00:01\n");
  write_link("lo", "772\n", "00:00:00:00:00:00\n");
  write_link("cni0", "1\n", "02:00:00:00:00:03\n");
  write("/sys/class/net/cni0/bridge/x", "");
  write_link("veth1", "1\n", "02:00:00:00:00:04\n");
  write("/sys/class/net/veth1/brport/x", "");
  EXPECT_EQ(read_identity(root_).text(), "abc 02:00:00:00:00:01 02:00:00:00:00:02");
  write("/sys/class/dmi/id/product_uuid", "4C4C4544-0042\n");
  EXPECT_EQ(read_identity(root_).product_uuid, "4c4c4544-0042");
}

TEST_F(Identity, WhatTwoMachinesShareIsNamed) {
  const auto first = MachineIdentity::parse("abc 02:00:00:00:00:01 02:00:00:00:00:02");
  EXPECT_EQ(first.mac_addresses.size(), 2U);
  const auto found =
      compare(MachineIdentity::parse("abc 02:00:00:00:00:02 02:00:00:00:00:09"), "class", first);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].check, "ProductUUID");
  EXPECT_TRUE(found[1].message.contains("02:00:00:00:00:02 is node \"class\"'s too"));
  EXPECT_TRUE(compare(MachineIdentity::parse("abd 02:00:00:00:00:03"), "class", first).empty());
  // Machines that do not say who they are are not each other.
  EXPECT_TRUE(compare(MachineIdentity::parse(""), "class", MachineIdentity::parse("")).empty());
}

}  // namespace
}  // namespace kpp::kubeadm
