#include "network/options.h"

#include <gtest/gtest.h>

#include "base/fs.h"
#include "network/cni_config.h"

namespace kpp::network {
namespace {

std::string fresh_directory(const std::string& name) {
  const std::string path = cat(testing::TempDir(), "network-", name);
  EXPECT_TRUE(fs::remove_all(path).ok());
  EXPECT_TRUE(fs::make_directories(path).ok());
  return path;
}

TEST(NetworkSettings, AKeyIsAFile) {
  const std::string directory = fresh_directory("settings");
  ASSERT_TRUE(fs::write_file_atomic(cat(directory, "/mode"), "direct\n").ok());
  ASSERT_TRUE(fs::write_file_atomic(cat(directory, "/port"), "8472").ok());
  ASSERT_TRUE(fs::make_directories(cat(directory, "/..data")).ok());
  NetworkOptions options;
  const Status read = read_settings(directory, options);
  ASSERT_TRUE(read.ok()) << read.to_string();
  EXPECT_EQ(options.mode, Mode::kDirect);
  EXPECT_EQ(options.port, 8472);
  EXPECT_EQ(options.vni, 1U);
}

TEST(NetworkSettings, WhatIsWrongIsNamed) {
  NetworkOptions options;
  EXPECT_EQ(set_option(options, "mode", "vlan").message(),
            "mode: \"vlan\" must be vxlan or direct");
  EXPECT_EQ(set_option(options, "mtu", "9").message(),
            "mtu: \"9\" must be a number between 576 and 65535");
  EXPECT_EQ(set_option(options, "mtv", "9").message(),
            "unknown setting \"mtv\"; there are mode, vni, port and mtu");
  EXPECT_TRUE(set_option(options, "mtu", "0").ok());
}

TEST(NetworkSettings, ADirectoryThatIsNotThereChangesNothing) {
  NetworkOptions options;
  EXPECT_TRUE(read_settings("/nonexistent/kpp-net", options).ok());
}

TEST(CniConfig, IsWrittenOnceAndAgainWhenItDiffers) {
  const std::string path = cat(fresh_directory("cni"), "/net.d/10-kpp-net.conflist");
  const auto pods = sys::parse_ipv4_network("10.244.1.0/24").value();
  EXPECT_TRUE(write_cni_config(path, cni_config(pods, 1450)).value());
  EXPECT_FALSE(write_cni_config(path, cni_config(pods, 1450)).value());
  EXPECT_TRUE(write_cni_config(path, cni_config(pods, 8950)).value());
  const std::string text = fs::read_file(path).value();
  EXPECT_TRUE(text.contains("\"mtu\": 8950")) << text;
  EXPECT_TRUE(text.contains("10.244.1.0/24")) << text;
}

}  // namespace
}  // namespace kpp::network
