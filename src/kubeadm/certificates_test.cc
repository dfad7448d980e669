#include "kubeadm/certificates.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "kubeadm/certificate_commands.h"
#include "kubeadm/kubeconfigs.h"

namespace kpp::kubeadm {
namespace {

using Names = std::vector<std::string>;

class Certificates : public testing::Test {
 protected:
  Certificates() {
    char path[] = "/tmp/kubeadm-test-XXXXXX";
    directory_ = ::mkdtemp(path);
    config_.cluster.certificates_dir = cat(directory_, "/pki");
    config_.cluster.encryption_algorithm = "ECDSA-P256";  // RSA keys take long
    config_.node.name = "class";
    config_.advertise_address = "192.168.1.12";
  }
  ~Certificates() override { (void)fs::remove_all(directory_); }

  Status make() {
    lines_.clear();
    return make_certificates(config_, now_, {},
                             [&](std::string_view line) { lines_.emplace_back(line); });
  }
  net::x509::CertificateInfo info(std::string_view file) {
    const auto pair = read_pair(config_.cluster.certificates_dir, file);
    EXPECT_TRUE(pair) << file;
    return net::x509::read_certificate(pair->certificate_pem).value();
  }
  bool printed(std::string_view line) { return std::ranges::find(lines_, line) != lines_.end(); }

  std::string directory_;
  InitConfig config_;
  WallTime now_{std::chrono::seconds(1'800'000'000)};
  Names lines_;
};

TEST_F(Certificates, HaveTheNamesThatEverybodyExpects) {
  config_.cluster.cert_sans = {"lab.example", "10.0.0.9"};
  ASSERT_TRUE(make().ok()) << make().to_string();
  const auto server = info("apiserver");
  EXPECT_EQ(server.subject.common_name, "kube-apiserver");
  EXPECT_EQ(server.subject.dns_names,
            (Names{"class", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                   "kubernetes.default.svc.cluster.local", "lab.example"}));
  EXPECT_EQ(server.subject.ip_addresses, (Names{"10.96.0.1", "192.168.1.12", "10.0.0.9"}));
  EXPECT_TRUE(server.usage.server);
  EXPECT_FALSE(server.usage.client);
  const auto kubelet = info("apiserver-kubelet-client");
  EXPECT_EQ(kubelet.subject.organizations, (Names{"kubeadm:cluster-admins"}));
  EXPECT_TRUE(kubelet.usage.client);
  EXPECT_FALSE(kubelet.usage.server);
  const auto etcd = info("etcd/server");
  EXPECT_EQ(etcd.subject.common_name, "class");
  EXPECT_EQ(etcd.subject.dns_names, (Names{"class", "localhost"}));
  EXPECT_EQ(etcd.subject.ip_addresses, (Names{"192.168.1.12", "127.0.0.1", "::1"}));
  EXPECT_TRUE(etcd.usage.server && etcd.usage.client);
  EXPECT_TRUE(info("ca").is_ca);
  EXPECT_EQ(info("ca").subject.dns_names, (Names{"kubernetes"}));
  EXPECT_EQ(info("front-proxy-ca").subject.common_name, "front-proxy-ca");
  EXPECT_TRUE(printed("[certs] Generating \"etcd/healthcheck-client\" certificate and key"));
  EXPECT_TRUE(
      printed("[certs] etcd/peer serving cert is signed for DNS names [class localhost] and "
              "IPs [192.168.1.12 127.0.0.1 ::1]"));
}

TEST_F(Certificates, KeysAreForTheirOwnerAlone) {
  ASSERT_TRUE(make().ok());
  for (const char* file : {"ca.key", "apiserver.key", "etcd/ca.key", "sa.key"}) {
    struct stat st{};
    ASSERT_EQ(::stat(cat(config_.cluster.certificates_dir, "/", file).c_str(), &st), 0) << file;
    EXPECT_EQ(st.st_mode & 0777U, 0600U) << file;
  }
}

TEST_F(Certificates, WhatIsThereIsUsed) {
  ASSERT_TRUE(make().ok());
  const std::string ca = info("ca").sha256;
  ASSERT_TRUE(make().ok());
  EXPECT_EQ(info("ca").sha256, ca);
  EXPECT_TRUE(printed("[certs] Using existing ca certificate authority"));
  EXPECT_TRUE(printed("[certs] Using existing apiserver certificate and key on disk"));
}

TEST_F(Certificates, OneThatLacksAnAddressIsAnErrorThatSaysSo) {
  ASSERT_TRUE(make().ok());
  config_.advertise_address = "192.168.1.13";
  EXPECT_TRUE(make().message().starts_with("certificate apiserver is not signed for 192.168.1.13"))
      << make().message();
}

TEST_F(Certificates, EmbeddedStoreNeedsNoneForEtcd) {
  config_.cluster.store = StoreKind::kEmbedded;
  ASSERT_TRUE(make().ok());
  EXPECT_FALSE(fs::exists(cat(config_.cluster.certificates_dir, "/etcd")));
  EXPECT_FALSE(fs::exists(cat(config_.cluster.certificates_dir, "/apiserver-etcd-client.crt")));
}

TEST_F(Certificates, RenewedOneSaysTheSameForLonger) {
  ASSERT_TRUE(make().ok());
  ASSERT_TRUE(
      make_kubeconfigs(config_, directory_, KubeconfigsFor::kFirstControlPlane, now_, {}, [](auto) {
      }).ok());
  const auto before = info("etcd/server");
  now_ += std::chrono::hours(24 * 100);
  const Status renewed = renew_certificates("all", config_.cluster, directory_, now_,
                                            [&](auto line) { lines_.emplace_back(line); });
  ASSERT_TRUE(renewed.ok()) << renewed.to_string();
  const auto after = info("etcd/server");
  EXPECT_EQ(after.subject.ip_addresses, before.subject.ip_addresses);
  EXPECT_EQ(after.validity.not_after - before.validity.not_after, std::chrono::hours(24 * 100));
  EXPECT_TRUE(printed("certificate embedded in the kubeconfig file admin.conf renewed"));
  EXPECT_FALSE(renew_certificates("nothing", config_.cluster, directory_, now_, [](auto) {}).ok());
}

TEST_F(Certificates, TablesSayWhenTheyExpire) {
  ASSERT_TRUE(make().ok());
  ASSERT_TRUE(
      make_kubeconfigs(config_, directory_, KubeconfigsFor::kFirstControlPlane, now_, {}, [](auto) {
      }).ok());
  const auto text = expiration_tables(config_.cluster.certificates_dir, directory_, now_);
  ASSERT_TRUE(text);
  EXPECT_TRUE(
      text->starts_with("CERTIFICATE                EXPIRES                  RESIDUAL TIME   "
                        "CERTIFICATE AUTHORITY   EXTERNALLY MANAGED\nadmin.conf "))
      << *text;
  EXPECT_TRUE(
      text->contains("apiserver-etcd-client      Jan 15, 2028 08:00 UTC   1y              "
                     "etcd-ca                 no\n"))
      << *text;
  EXPECT_TRUE(
      text->contains("front-proxy-ca          Jan 12, 2037 08:00 UTC   10y             no\n"))
      << *text;
}

}  // namespace
}  // namespace kpp::kubeadm
