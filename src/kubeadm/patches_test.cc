#include "kubeadm/patches.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fs.h"
#include "codec/yaml.h"
#include "kubeadm/kubelet_start.h"
#include "kubeadm/manifests.h"

namespace kpp::kubeadm {
namespace {

class Patches : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(fs::make_directories(directory_).ok());
    config_.node.name = "class";
    config_.advertise_address = "192.168.1.12";
    config_.patches_dir = directory_;
  }
  void TearDown() override { (void)fs::remove_all(directory_); }
  void write(std::string_view name, std::string_view text) {
    ASSERT_TRUE(fs::write_file_atomic(cat(directory_, "/", name), text).ok());
  }
  Result<json::Value> pod(std::string_view component) {
    KPP_ASSIGN(const std::string text,
               manifest_text(component, config_, [this](auto line) { said_.emplace_back(line); }));
    return yaml::parse(text);
  }

  const std::string directory_ = cat(::testing::TempDir(), "/kpp-patches-", ::getpid());
  InitConfig config_;
  std::vector<std::string> said_;
};

TEST_F(Patches, StrategicPatchMergesTheContainerByName) {
  write("kube-apiserver.yaml",
        "spec: {containers: [{name: kube-apiserver, resources: {limits: {cpu: '2'}}}]}");
  const auto made = pod("kube-apiserver");
  ASSERT_TRUE(made) << made.error().to_string();
  const json::Value& container = made->at("spec").at("containers").at(0);
  EXPECT_EQ(json::text_at(container, "resources.limits.cpu"), "2");
  EXPECT_EQ(json::text_at(container, "resources.requests.cpu"), "250m");
  EXPECT_EQ(made->at("spec").at("containers").get_array().size(), 1U);
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_EQ(said_[0],
            "[patches] Applied patch of type \"application/strategic-merge-patch+json\" to target "
            "\"kube-apiserver\"");
}

TEST_F(Patches, FilesApplyInTheOrderOfTheirNamesToTheirTargetAlone) {
  write("kube-scheduler0+merge.yaml", "metadata: {labels: {a: first, b: first}}");
  write("kube-scheduler1+json.json",
        R"([{"op": "replace", "path": "/metadata/labels/b", "value": "second"}])");
  write("kube-apiserver.yaml", "metadata: {labels: {b: other}}");
  write("notes.txt", "nothing");
  const auto made = pod("kube-scheduler");
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(json::text_at(*made, "metadata.labels.a"), "first");
  EXPECT_EQ(json::text_at(*made, "metadata.labels.b"), "second");
}

TEST_F(Patches, KubeletConfigurationIsMergedWithoutASchema) {
  write("kubeletconfiguration.yaml", "maxPods: 40");
  const auto text =
      kubelet_config_text({{"maxPods", 110}, {"port", 1}}, config_.patches_dir, [](auto) {});
  ASSERT_TRUE(text);
  EXPECT_EQ(json::int_at(*yaml::parse(*text), "maxPods"), 40);
  EXPECT_EQ(json::int_at(*yaml::parse(*text), "port"), 1);
}

TEST_F(Patches, FileThatIsNoPatchIsNamed) {
  write("etcd+other.yaml", "a: 1");
  EXPECT_EQ(pod("etcd").error().message(),
            "unknown patch type \"other\" from filename \"etcd+other.yaml\", supported types: json "
            "merge strategic");
  write("kube-scheduler+json.yaml", "[{op: remove, path: /none}]");
  EXPECT_TRUE(pod("kube-scheduler").error().message().starts_with("could not apply the patch "));
  config_.patches_dir = cat(directory_, "/none");
  EXPECT_FALSE(pod("etcd"));
}

}  // namespace
}  // namespace kpp::kubeadm
