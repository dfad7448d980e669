#include "lab/docker.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace kpp::lab {
namespace {

TEST(LabDocker, EngineTouchesNoNetworkAndItsContainersOutliveIt) {
  DockerOptions options;
  options.data_directory = "/data";
  const auto config = json::parse(docker_config(options));
  ASSERT_TRUE(config);
  EXPECT_EQ(json::text_at(*config, "bridge"), "none");
  EXPECT_EQ(json::text_at(*config, "data-root"), "/data/root");
  const auto* iptables = json::find(*config, "iptables");
  ASSERT_NE(iptables, nullptr);
  EXPECT_FALSE(iptables->as_bool());
  const auto* live_restore = json::find(*config, "live-restore");
  ASSERT_NE(live_restore, nullptr);
  EXPECT_TRUE(live_restore->as_bool());
}

TEST(LabDocker, RuntimeOfAnotherNameIsRefusedWithThoseThatThereAre) {
  EXPECT_EQ(parse_runtime("docker").value(), Runtime::kDocker);
  const auto refused = parse_runtime("podman");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "no such runtime: \"podman\"; there are containerd and docker");
}

}  // namespace
}  // namespace kpp::lab
