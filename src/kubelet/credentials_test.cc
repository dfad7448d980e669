#include "kubelet/credentials.h"

#include <gtest/gtest.h>

namespace kpp::kubelet {
namespace {

std::shared_ptr<const corev1::Secret> secret(const std::string& key, const std::string& text) {
  auto out = std::make_shared<corev1::Secret>();
  out->data[key] = text;
  return out;
}

TEST(Credentials, FitByHostPortAndPath) {
  EXPECT_TRUE(entry_fits("https://registry.test/v1/", "registry.test/team/app:1"));
  EXPECT_TRUE(entry_fits("registry.test/team", "registry.test/team/app:1"));
  EXPECT_FALSE(entry_fits("registry.test/other", "registry.test/team/app:1"));
  EXPECT_TRUE(entry_fits("localhost:5000", "localhost:5000/private:1"));
  EXPECT_FALSE(entry_fits("localhost", "localhost:5000/private:1"));
  EXPECT_TRUE(entry_fits("*.example.com", "a.example.com/app"));
  EXPECT_FALSE(entry_fits("*.example.com", "a.b.example.com/app"));
  EXPECT_TRUE(entry_fits("https://index.docker.io/v1/", "nginx"));
  EXPECT_TRUE(entry_fits("docker.io", "docker.io/library/nginx"));
}

TEST(Credentials, OfTheMostParticularEntryComeFirst) {
  const auto found = credentials_for(
      "r.test/team/app:1",
      {secret(
           ".dockerconfigjson",
           R"({"auths":{"r.test":{"auth":"dXNlcjpwYXNz"},"r.test/team":{"username":"t","password":"p"}}})"),
       secret(".dockercfg", R"({"else.test":{"username":"x"}})"), secret("other", "{}"),
       secret(".dockerconfigjson", "no json")});
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].username, "t");
  EXPECT_EQ(found[1].username, "user");
  EXPECT_EQ(found[1].password, "pass");
}

}  // namespace
}  // namespace kpp::kubelet
