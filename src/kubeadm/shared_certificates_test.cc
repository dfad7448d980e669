#include "kubeadm/shared_certificates.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fs.h"
#include "kubeadm/certificate_commands.h"

namespace kpp::kubeadm {
namespace {

TEST(CertificateKey, OnlyTheKeyThatHidAFileShowsIt) {
  const std::string key = new_certificate_key();
  const auto hidden = encrypt(key, "the key of a CA");
  ASSERT_TRUE(hidden.has_value());
  EXPECT_FALSE(hidden->contains("CA"));
  EXPECT_EQ(decrypt(key, *hidden).value_or(""), "the key of a CA");
  EXPECT_NE(encrypt(key, "the key of a CA").value_or(""), *hidden);
  EXPECT_FALSE(decrypt(new_certificate_key(), *hidden));
  std::string changed = *hidden;
  changed[14] ^= 1;
  EXPECT_FALSE(decrypt(key, changed));
  EXPECT_FALSE(decrypt(key, "short"));
  EXPECT_FALSE(encrypt("abc", "x"));
  EXPECT_FALSE(encrypt(std::string(64, 'g'), "x"));
}

TEST(SharedCertificates, ArriveAsTheyWereAndKeysStayPrivate) {
  const std::string root = cat(::testing::TempDir(), "/kpp-shared-", ::getpid());
  ClusterConfig from;
  from.certificates_dir = root + "/from";
  ASSERT_TRUE(fs::make_directories(from.certificates_dir + "/etcd").ok());
  for (const std::string& file : shared_files(from))
    ASSERT_TRUE(
        fs::write_file_atomic(cat(from.certificates_dir, "/", file), "text of " + file).ok());
  const std::string key = new_certificate_key();
  const auto objects = shared_objects(from, key, "bootstrap-token-abcdef", "uid");
  ASSERT_TRUE(objects.has_value());
  const json::Value secret(objects->front());
  EXPECT_EQ(json::text_at(secret, "metadata.name"), "kubeadm-certs");
  ClusterConfig to = from;
  to.certificates_dir = root + "/to";
  EXPECT_TRUE(save_shared(secret, key, to).ok());
  EXPECT_EQ(fs::read_file(root + "/to/etcd/ca.key").value_or(""), "text of etcd/ca.key");
  EXPECT_EQ(
      save_shared(json::Value(json::Object()), key, to).message(),
      cat("the Secret does not include the required certificate or key - name: ca.crt, path: ",
          root, "/to/ca.crt"));
  EXPECT_TRUE(save_shared(secret, new_certificate_key(), to).is(Reason::kInvalid));
  ASSERT_TRUE(fs::remove_all(root).ok());
}

}  // namespace
}  // namespace kpp::kubeadm
