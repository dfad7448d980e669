#include "kubeadm/kubeconfigs.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "client/kubeconfig.h"
#include "kubeadm/certificates.h"

namespace kpp::kubeadm {
namespace {

TEST(Kubeconfigs, AreForTheirUsersAndGroups) {
  char path[] = "/tmp/kubeadm-test-XXXXXX";
  const std::string directory = ::mkdtemp(path);
  InitConfig config;
  config.cluster.certificates_dir = cat(directory, "/pki");
  config.cluster.encryption_algorithm = "ECDSA-P256";
  config.cluster.control_plane_endpoint = "lb.example:443";
  config.node.name = "class";
  config.advertise_address = "192.168.1.12";
  const WallTime now{std::chrono::seconds(1'800'000'000)};
  ASSERT_TRUE(make_certificates(config, now, {}, [](auto) {}).ok());
  ASSERT_TRUE(
      make_kubeconfigs(config, directory, KubeconfigsFor::kFirstControlPlane, now, {}, [](auto) {
      }).ok());
  const struct {
    const char* file;
    const char* user;
    const char* group;
    const char* server;
  } rows[] = {
      {"admin.conf", "kubernetes-admin", "kubeadm:cluster-admins", "https://lb.example:443"},
      {"super-admin.conf", "kubernetes-super-admin", "system:masters", "https://lb.example:443"},
      {"kubelet.conf", "system:node:class", "system:nodes", "https://lb.example:443"},
      {"controller-manager.conf", "system:kube-controller-manager", "",
       "https://192.168.1.12:6443"},
      {"scheduler.conf", "system:kube-scheduler", "", "https://192.168.1.12:6443"},
  };
  for (const auto& row : rows) {
    const std::string file = cat(directory, "/", row.file);
    const auto read = client::load_kubeconfig(file);
    ASSERT_TRUE(read) << row.file;
    EXPECT_EQ(read->current_context, cat(row.user, "@kubernetes"));
    EXPECT_EQ(read->clusters.at(0).server, row.server) << row.file;
    const auto info = net::x509::read_certificate(read->users.at(0).certificate_pem);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->subject.common_name, row.user);
    EXPECT_EQ(join(info->subject.organizations, ","), row.group);
    struct stat st{};
    ASSERT_EQ(::stat(file.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777U, 0600U);
  }
  // Another cluster's file in the way is an error.
  config.cluster.control_plane_endpoint = "other.example:443";
  EXPECT_TRUE(
      make_kubeconfigs(config, directory, KubeconfigsFor::kFirstControlPlane, now, {}, [](auto) {})
          .message()
          .contains("unexpected API Server URL"));
  EXPECT_TRUE(fs::remove_all(directory).ok());
}

}  // namespace
}  // namespace kpp::kubeadm
