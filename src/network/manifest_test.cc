#include "network/manifest.h"

#include <gtest/gtest.h>

#include "base/fs.h"

namespace kpp::network {
namespace {

TEST(NetworkManifest, TheExampleIsWhatIsPrinted) {
  const auto example = fs::read_file(KPP_SOURCE_DIR "/examples/network/kpp-net.yaml");
  ASSERT_TRUE(example.has_value());
  EXPECT_EQ(*example, manifest({"registry.k8s.io/kube-proxy:v1.36.2"}))
      << "make it anew: kpp network-agent --print-manifest > examples/network/kpp-net.yaml";
}

TEST(NetworkManifest, ItMayChangeNothingOfNodesButTheirStatus) {
  const std::string text = manifest({"x"});
  EXPECT_FALSE(text.contains("- update\n"));
  EXPECT_FALSE(text.contains("'*'"));
  EXPECT_FALSE(text.contains("secrets"));
  EXPECT_FALSE(text.contains("privileged"));
  EXPECT_TRUE(text.contains("nodes/status"));
}

}  // namespace
}  // namespace kpp::network
