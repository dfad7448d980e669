#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "api/certificatesv1.h"
#include "base/fs.h"
#include "client/kubeconfig.h"
#include "client/testing/fake_api.h"
#include "kubelet/certificates/api_connection.h"
#include "kubelet/certificates/certificate_keeper.h"
#include "kubelet/certificates/serving_certificate.h"

namespace kpp::kubelet {
namespace {

using Csr = certificatesv1::CertificateSigningRequest;
using std::chrono::hours;
using std::chrono::minutes;

struct CertificatesTest : ::testing::Test {
  CertificatesTest() {
    char name[] = "/tmp/kpp-pki-XXXXXX";
    directory = ::mkdtemp(name);
    ca = net::x509::make_ca("ca", validity(hours(24 * 365))).value();
  }
  ~CertificatesTest() override { EXPECT_TRUE(fs::remove_all(directory).ok()); }

  net::x509::Validity validity(Duration life) const {
    return {executor.wall(), executor.wall() + life};
  }
  // Signs the requests that wait.
  int sign_all(Duration life = hours(10)) {
    int done = 0;
    for (Csr csr : api.all<Csr>()) {
      if (!csr.status.certificate.empty()) continue;
      csr.status.certificate =
          net::x509::sign_request(ca, csr.spec.request, {false, true}, validity(life)).value();
      api.put(csr);
      ++done;
    }
    executor.run_until_idle();
    return done;
  }
  CertificateKeeper make_keeper(CertificateRequest wanted = client_certificate_of("node1")) {
    return {{executor, client, Logger(sink, "test")},
            CertificateStore(directory, "kubelet-client"),
            std::move(wanted),
            [this](const auto& pair) { told.push_back(pair); }};
  }
  void stop(CertificateKeeper& keeper) {
    async::Scope scope(executor);
    scope.spawn(keeper.stop());
    executor.run_until_idle();
  }

  LogSink sink{open("/dev/null", 1)};
  async::ManualExecutor executor;
  client::testing::FakeApi api{executor};
  client::Client client{api.transport(), "kubelet"};
  std::string directory;
  net::x509::KeyPair ca;
  std::vector<net::x509::KeyPair> told;
};

TEST_F(CertificatesTest, AClientCertificateIsAskedForAsTheOriginalDoes) {
  CertificateKeeper keeper = make_keeper();
  keeper.start();
  executor.run_until_idle();
  const auto csrs = api.all<Csr>();
  ASSERT_EQ(csrs.size(), 1U);
  EXPECT_TRUE(csrs[0].metadata.name.starts_with("csr-"));
  EXPECT_EQ(csrs[0].spec.signer_name, "kubernetes.io/kube-apiserver-client-kubelet");
  EXPECT_EQ(csrs[0].spec.usages, (std::vector<std::string>{"digital signature", "client auth"}));
  const auto subject = net::x509::read_request(csrs[0].spec.request).value();
  EXPECT_EQ(subject.common_name, "system:node:node1");
  EXPECT_EQ(subject.organizations, std::vector<std::string>{"system:nodes"});
  EXPECT_TRUE(told.empty());

  EXPECT_EQ(sign_all(), 1);
  ASSERT_EQ(told.size(), 1U);
  const std::string current = directory + "/kubelet-client-current.pem";
  const std::string file = std::filesystem::read_symlink(current).string();
  EXPECT_TRUE(file.starts_with(directory + "/kubelet-client-2")) << file;
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  stop(keeper);
}

TEST_F(CertificatesTest, ACertificateIsReplacedBeforeItExpires) {
  CertificateKeeper keeper = make_keeper();
  keeper.start();
  executor.run_until_idle();
  sign_all(hours(10));
  executor.advance(hours(6) + minutes(59));
  EXPECT_EQ(sign_all(), 0);
  int asked = 0;
  for (Duration later{}; asked == 0 && later <= hours(2) + minutes(2); later += minutes(1)) {
    executor.advance(minutes(1));
    asked = sign_all(hours(10));
  }
  EXPECT_EQ(asked, 1);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_NE(told[0].key_pem, told[1].key_pem);
  EXPECT_EQ(CertificateStore(directory, "kubelet-client").current()->key_pem, told[1].key_pem);
  stop(keeper);
}

TEST_F(CertificatesTest, TheNextKubeletTakesWhatLiesThere) {
  const auto pair = net::x509::issue(ca, client_certificate_of("node1").subject, {false, true},
                                     validity(hours(9)))
                        .value();
  const CertificateStore store(directory, "kubelet-client");
  ASSERT_TRUE(store.update(pair, executor.wall()).ok());
  CertificateKeeper keeper = make_keeper();
  keeper.start();
  executor.run_until_idle();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].key_pem, pair.key_pem);
  EXPECT_TRUE(api.all<Csr>().empty());
  stop(keeper);
}

TEST_F(CertificatesTest, AServingCertificateThatLacksAnAddressIsReplacedAtOnce) {
  const auto wanted = serving_certificate_of("node1", {"node1", "192.0.2.10"});
  net::x509::Subject old = wanted.subject;
  old.ip_addresses = {"192.0.2.9"};
  const auto pair = net::x509::issue(ca, old, {true, false}, validity(hours(9))).value();
  ASSERT_TRUE(CertificateStore(directory, "kubelet-client").update(pair, executor.wall()).ok());
  CertificateKeeper keeper = make_keeper(wanted);
  keeper.start();
  executor.run_until_idle();
  EXPECT_EQ(told.size(), 1U);
  const auto csrs = api.all<Csr>();
  ASSERT_EQ(csrs.size(), 1U);
  EXPECT_EQ(csrs[0].spec.signer_name, "kubernetes.io/kubelet-serving");
  EXPECT_EQ(csrs[0].spec.usages, (std::vector<std::string>{"digital signature", "server auth"}));
  const auto subject = net::x509::read_request(csrs[0].spec.request).value();
  EXPECT_EQ(subject.dns_names, std::vector<std::string>{"node1"});
  EXPECT_EQ(subject.ip_addresses, std::vector<std::string>{"192.0.2.10"});
  stop(keeper);
}

TEST_F(CertificatesTest, ARequestThatIsDeniedIsMadeAgain) {
  CertificateKeeper keeper = make_keeper();
  keeper.start();
  executor.run_until_idle();
  Csr csr = api.all<Csr>().at(0);
  auto& condition = csr.status.conditions.emplace_back();
  condition.type = "Denied";
  condition.status = "True";
  api.put(csr);
  executor.advance(std::chrono::seconds(3));
  EXPECT_EQ(api.all<Csr>().size(), 2U);
  EXPECT_TRUE(told.empty());
  stop(keeper);
}

TEST_F(CertificatesTest, AnOwnServingCertificateIsMadeOnce) {
  const auto first = own_serving_certificate(directory, "node1", executor.wall());
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(own_serving_certificate(directory, "node1", executor.wall())->key_pem, first->key_pem);
  const auto info = net::x509::read_certificate(first->certificate_pem).value();
  EXPECT_TRUE(info.subject.common_name.starts_with("node1@"));
  EXPECT_EQ(info.subject.dns_names, std::vector<std::string>{"node1"});
}

TEST_F(CertificatesTest, AKubeconfigIsGoodUntilItsCertificateExpires) {
  client::RestConfig bootstrap;
  bootstrap.cluster.server = "https://192.0.2.1:6443";
  bootstrap.cluster.ca_pem = ca.certificate_pem;
  bootstrap.user.token = "abcdef.0123456789abcdef";
  const CertificateStore store(directory, "kubelet-client");
  const std::string file = directory + "/kubelet.conf";
  EXPECT_TRUE(check_kubeconfig(file, executor.wall()).is(Reason::kNotFound));
  ASSERT_TRUE(
      fs::write_file_atomic(file, kubeconfig_with_certificate(bootstrap, store.current_path()))
          .ok());
  EXPECT_FALSE(check_kubeconfig(file, executor.wall()).ok());  // the certificate is not there yet
  const auto pair = net::x509::issue(ca, client_certificate_of("node1").subject, {false, true},
                                     validity(hours(9)))
                        .value();
  ASSERT_TRUE(store.update(pair, executor.wall()).ok());
  EXPECT_TRUE(check_kubeconfig(file, executor.wall()).ok());
  EXPECT_TRUE(check_kubeconfig(file, executor.wall() + hours(9)).is(Reason::kUnauthorized));
  const auto config = client::rest_config(client::load_kubeconfig(file).value()).value();
  EXPECT_EQ(config.cluster.server, "https://192.0.2.1:6443");
  EXPECT_TRUE(config.user.token.empty());
}

}  // namespace
}  // namespace kpp::kubelet
