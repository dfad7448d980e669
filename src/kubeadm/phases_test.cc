#include "kubeadm/phases.h"

#include <gtest/gtest.h>

namespace kpp::kubeadm {
namespace {

TEST(PhaseChoice, WantsEverythingUntilSomethingIsSkipped) {
  EXPECT_TRUE(PhaseChoice().wants("certs/ca"));
  const auto choice = PhaseChoice::all_but(init_phases(), {"addon/kube-proxy", "certs"});
  ASSERT_TRUE(choice);
  EXPECT_FALSE(choice->wants("certs"));
  EXPECT_FALSE(choice->wants("certs/ca"));
  EXPECT_TRUE(choice->wants("addon"));
  EXPECT_TRUE(choice->wants("addon/coredns"));
  EXPECT_FALSE(choice->wants("addon/kube-proxy"));
  EXPECT_TRUE(choice->wants("preflight"));
  EXPECT_FALSE(choice->is_alone());
}

TEST(PhaseChoice, OnePhaseAloneIsAllItsPartsOrOne) {
  const auto all = PhaseChoice::only(init_phases(), {"upload-config", "all"});
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->is_alone());
  EXPECT_TRUE(all->wants("upload-config/kubelet"));
  // upload-certs begins alike, and is another.
  EXPECT_FALSE(all->wants("upload-certs"));
  const auto one = PhaseChoice::only(init_phases(), {"certs", "etcd-ca"});
  ASSERT_TRUE(one);
  EXPECT_TRUE(one->wants("certs"));
  EXPECT_TRUE(one->wants("certs/etcd-ca"));
  EXPECT_FALSE(one->wants("certs/ca"));
}

TEST(PhaseChoice, NamesThatAreNoneAreRefused) {
  EXPECT_EQ(PhaseChoice::all_but(init_phases(), {"cert"}).error().message(),
            "invalid phase name: cert");
  EXPECT_FALSE(PhaseChoice::only(init_phases(), {}));
  EXPECT_FALSE(PhaseChoice::only(init_phases(), {"certs", "none"}));
  EXPECT_FALSE(PhaseChoice::only(reset_phases(), {"certs"}));
}

}  // namespace
}  // namespace kpp::kubeadm
