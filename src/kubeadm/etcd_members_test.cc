#include "kubeadm/etcd_members.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kubeadm/manifests.h"

namespace kpp::kubeadm {
namespace {

etcdserverpb::Member member(std::string name, std::string peer_url) {
  etcdserverpb::Member out;
  out.name = std::move(name);
  out.peer_urls = {std::move(peer_url)};
  return out;
}

const EtcdMembers kTwo = {member("class", "https://192.168.1.12:2380"),
                          member("", "https://192.168.1.8:2380")};

TEST(EtcdMembers, OneThatHasNotStartedIsTheOneThatJoins) {
  EXPECT_EQ(initial_cluster(kTwo, "class2"),
            "class=https://192.168.1.12:2380,class2=https://192.168.1.8:2380");
}

TEST(EtcdMembers, AreFoundByTheirPeerUrl) {
  ASSERT_NE(find_member(kTwo, "https://192.168.1.12:2380"), nullptr);
  EXPECT_EQ(find_member(kTwo, "https://192.168.1.12:2380")->name, "class");
  EXPECT_EQ(find_member(kTwo, "https://192.168.1.120:2380"), nullptr);
}

TEST(EtcdMembers, AManifestThatJoinsDoesNotBeginANewCluster) {
  InitConfig config;
  config.node.name = "class2";
  config.advertise_address = "192.168.1.8";
  const auto has = [](const std::vector<std::string>& flags, const std::string& flag) {
    return std::ranges::find(flags, flag) != flags.end();
  };
  EXPECT_TRUE(has(etcd_flags(config), "--initial-cluster=class2=https://192.168.1.8:2380"));
  EXPECT_FALSE(has(etcd_flags(config), "--initial-cluster-state=existing"));
  config.etcd_initial_cluster = initial_cluster(kTwo, "class2");
  EXPECT_TRUE(has(etcd_flags(config), "--initial-cluster=" + config.etcd_initial_cluster));
  EXPECT_TRUE(has(etcd_flags(config), "--initial-cluster-state=existing"));
}

}  // namespace
}  // namespace kpp::kubeadm
