#include "api/authorizationv1.h"
#include "controllers/certificates/csr_approver.h"
#include "controllers/certificates/csr_cleaner.h"
#include "controllers/certificates/csr_signer.h"
#include "controllers/testing/fixture.h"

namespace kpp::controllers {
namespace {

class CertificatesTest : public testing::ControllerTest {
 protected:
  void SetUp() override {
    const WallTime time = executor_.wall();
    ca_ = *net::x509::make_ca("kubernetes",
                              {time - std::chrono::hours(1), time + std::chrono::hours(100000)});
    key_ = *net::x509::make_key();
  }
  Csr make_csr(const net::x509::Subject& subject) {
    Csr csr;
    csr.metadata.name = "csr-x";
    csr.spec.request = *net::x509::make_request(key_, subject);
    csr.spec.signer_name = kKubeletClientSigner;
    csr.spec.usages = {"digital signature", "client auth"};
    csr.spec.username = "system:bootstrap:abcdef";
    return csr;
  }
  Csr approved(Csr csr) {
    auto& c = csr.status.conditions.emplace_back();
    c.type = "Approved";
    c.status = "True";
    c.last_update_time = api::Time::from(executor_.wall());
    return csr;
  }
  Csr csr() { return *api_.get<Csr>({"", "csr-x"}); }

  const net::x509::Subject node_{.common_name = "system:node:n1",
                                 .organizations = {"system:nodes"}};
  net::x509::KeyPair ca_;
  std::string key_;
};

TEST_F(CertificatesTest, AnApprovedRequestOfANodeIsSigned) {
  api_.put(approved(make_csr(node_)));
  start<CsrSigner>(SigningOptions{.ca = ca_});
  const auto certificate = net::x509::read_certificate(csr().status.certificate);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->subject.common_name, "system:node:n1");
  EXPECT_EQ(certificate->validity.not_after - certificate->validity.not_before,
            std::chrono::hours(8760));
}

TEST_F(CertificatesTest, APendingRequestIsNotSigned) {
  api_.put(make_csr(node_));
  start<CsrSigner>(SigningOptions{.ca = ca_});
  EXPECT_TRUE(csr().status.certificate.empty());
}

TEST_F(CertificatesTest, ARequestThatItsSignerDoesNotTakeFails) {
  api_.put(
      approved(make_csr({.common_name = "system:node:n1", .organizations = {"system:masters"}})));
  start<CsrSigner>(SigningOptions{.ca = ca_});
  EXPECT_TRUE(csr().status.certificate.empty());
  ASSERT_EQ(csr().status.conditions.size(), 2u);
  EXPECT_EQ(csr().status.conditions[1].reason, "SignerValidationFailure");
}

TEST_F(CertificatesTest, ARequestMayAskForAShorterTime) {
  auto brief = approved(make_csr(node_));
  brief.spec.expiration_seconds = 3600;
  api_.put(brief);
  start<CsrSigner>(SigningOptions{.ca = ca_});
  const auto certificate = net::x509::read_certificate(csr().status.certificate);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->validity.not_after - certificate->validity.not_before,
            std::chrono::hours(1));
}

TEST_F(CertificatesTest, ARequestIsNotApprovedUnlessTheAskerMay) {
  api_.put(make_csr(node_));
  start<CsrApprover>();
  EXPECT_GE(count_requests("POST", "subjectaccessreviews"), 1);
  EXPECT_TRUE(csr().status.conditions.empty());
}

TEST_F(CertificatesTest, RequestsOfOthersAreNotLookedAt) {
  api_.put(make_csr({.common_name = "admin", .organizations = {"system:masters"}}));
  start<CsrApprover>();
  EXPECT_EQ(count_requests("POST", "subjectaccessreviews"), 0);
}

TEST_F(CertificatesTest, OldRequestsGo) {
  auto old = approved(make_csr(node_));
  old.metadata.creation_timestamp = api::Time::from(executor_.wall());
  api_.put(old);
  start<CsrCleaner>();
  advance(std::chrono::minutes(59));
  EXPECT_TRUE(api_.get<Csr>({"", "csr-x"}));
  advance(std::chrono::minutes(2));
  EXPECT_FALSE(api_.get<Csr>({"", "csr-x"}));
}

}  // namespace
}  // namespace kpp::controllers
