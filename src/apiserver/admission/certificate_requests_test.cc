#include <gtest/gtest.h>

#include "api/certificatesv1.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/admission/policy/policy_programs.h"
#include "apiserver/auth/authorizer.h"
#include "apiserver/testing/cached_cluster.h"
#include "net/x509.h"

namespace kpp::apiserver {
namespace {

using certificatesv1::CertificateSigningRequest;
using testing::CachedCluster;

class CertificateRequestsTest : public ::testing::Test {
 protected:
  CertificateRequestsTest() {
    user_.name = "signer";
    csr_.metadata.name = "c";
    csr_.spec.signer_name = "example.com/a";
  }

  // Gives the user a right about signers of this name.
  void grant(std::string_view verb, std::string_view signer) {
    cluster_.put(
        "clusterroles/r",
        cat(R"({"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"r"},"rules":[{"verbs":[")",
            verb,
            R"("],"apiGroups":["certificates.k8s.io"],"resources":["signers"],"resourceNames":[")",
            signer, R"("]}]})"));
    cluster_.put(
        "clusterrolebindings/b",
        R"({"kind":"ClusterRoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":"b"},)"
        R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},)"
        R"("subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"signer"}]})");
    cluster_.show();
  }
  std::string update(const Plugin& plugin, std::string subresource,
                     const CertificateSigningRequest& now) {
    const api::Object old = api::Object::of(csr_);
    AdmissionRequest request = about(Operation::kUpdate, std::move(subresource));
    request.old_object = &old;
    return plugin.validate(api::Object::of(now), request, lookup()).message();
  }
  std::string create(const CertificateSigningRequest& csr) {
    return certificate_subject_plugin()
        .validate(api::Object::of(csr), about(Operation::kCreate, ""), lookup())
        .message();
  }
  AdmissionRequest about(Operation operation, std::string subresource) {
    AdmissionRequest out;
    out.operation = operation;
    out.resource = cluster_.table.find("certificates.k8s.io", "v1", "certificatesigningrequests");
    out.subresource = std::move(subresource);
    out.name = "c";
    out.user = &user_;
    return out;
  }
  Lookup lookup() { return {cluster_.cache, cluster_.table, &authorizer_, policies_}; }

  CachedCluster cluster_;
  PolicyPrograms policies_;
  Authorizer authorizer_{cluster_.cache, cluster_.table};
  User user_;
  CertificateSigningRequest csr_;
};

TEST_F(CertificateRequestsTest, ApprovingTakesTheRightForTheSigner) {
  const Plugin plugin = certificate_approval_plugin();
  EXPECT_EQ(update(plugin, "approval", csr_),
            "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: user not permitted "
            "to approve requests with signerName \"example.com/a\"");
  grant("approve", "example.com/a");
  EXPECT_EQ(update(plugin, "approval", csr_), "");
}

TEST_F(CertificateRequestsTest, ARightMayBeForAllSignersOfADomain) {
  grant("approve", "example.com/*");
  EXPECT_EQ(update(certificate_approval_plugin(), "approval", csr_), "");
}

TEST_F(CertificateRequestsTest, SigningTakesTheRightForTheSignerIfTheCertificateChanges) {
  const Plugin plugin = certificate_signing_plugin();
  EXPECT_EQ(update(plugin, "status", csr_), "");
  CertificateSigningRequest signed_csr = csr_;
  signed_csr.status.certificate = "PEM";
  EXPECT_EQ(update(plugin, "status", signed_csr),
            "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: user not permitted "
            "to sign requests with signerName \"example.com/a\"");
  grant("sign", "example.com/a");
  EXPECT_EQ(update(plugin, "status", signed_csr), "");
}

TEST_F(CertificateRequestsTest, NobodyAsksForACertificateOfTheAdministrators) {
  const auto key = net::x509::make_key();
  ASSERT_TRUE(key);
  const auto request = [&](std::vector<std::string> groups) {
    net::x509::Subject subject;
    subject.common_name = "bob";
    subject.organizations = std::move(groups);
    CertificateSigningRequest out = csr_;
    out.spec.signer_name = "kubernetes.io/kube-apiserver-client";
    out.spec.request = *net::x509::make_request(*key, subject);
    return out;
  };
  EXPECT_EQ(create(request({"dev"})), "");
  EXPECT_EQ(create(request({"dev", "system:masters"})),
            "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: use of "
            "kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed");
}

}  // namespace
}  // namespace kpp::apiserver
