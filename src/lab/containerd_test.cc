// A real containerd in a node of this machine; needs root.
#include "lab/containerd.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fs.h"
#include "images/pause_image.h"
#include "images/recipe.h"

namespace kpp::lab {
namespace {

std::string tool() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string_view self(path, n > 0 ? static_cast<std::size_t>(n) : 0);
  return cat(self.substr(0, self.rfind('/')), "/lab_tool");
}

class Containerd : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    labs_ = "/var/lib/kpp/containerd-test";
    LabOptions options;
    options.name = "containerd-test";
    options.labs_directory = labs_;
    options.init_command = {tool(), "lab-init"};
    auto lab = Lab::open(options);
    ASSERT_TRUE(lab);
    ASSERT_TRUE(lab->remove().ok());
    ASSERT_TRUE(fs::remove_all(labs_).ok());
    ASSERT_TRUE(fs::make_directories(labs_).ok());
    lab_.emplace(std::move(*lab));
    data_ = cat(labs_, "/data");
    ASSERT_TRUE(fs::make_directories(data_).ok());
    auto node = lab_->create_node({.name = "node1", .binds = {{data_, data_}}, .files = {}});
    ASSERT_TRUE(node) << node.error().to_string();
    node_.emplace(std::move(*node));
    options_.data_directory = cat(data_, "/containerd");
    const Status started = start_containerd(*node_, options_);
    ASSERT_TRUE(started.ok()) << started.to_string();
  }
  void TearDown() override {
    if (lab_) EXPECT_TRUE(lab_->remove().ok());
    EXPECT_TRUE(fs::remove_all(labs_).ok());
  }

  std::string run(std::string script) {
    sys::ProcessSpec spec;
    spec.argv = {"sh", "-c", std::move(script)};
    const auto result = run_in_node(*node_, spec);
    return result ? cat(result->out, result->err) : result.error().to_string();
  }

  std::string labs_, data_;
  std::optional<Lab> lab_;
  std::optional<Node> node_;
  ContainerdOptions options_;
};

TEST_F(Containerd, ContainerOfAnImageOfOursRunsAndPauseHoldsAndEnds) {
  auto busybox = images::build_image(KPP_SOURCE_DIR "/tests/e2e/images/busybox");
  ASSERT_TRUE(busybox) << busybox.error().to_string();
  auto pause = images::pause_image(std::string(kPauseImage));
  ASSERT_TRUE(pause);
  const auto archive = images::write_archive({std::move(*busybox), std::move(*pause)});
  ASSERT_TRUE(archive);
  ASSERT_TRUE(fs::write_file_atomic(cat(data_, "/images.tar"), *archive).ok());
  const Status loaded = load_images(*node_, {cat(data_, "/images.tar")});
  ASSERT_TRUE(loaded.ok()) << loaded.to_string();
  EXPECT_EQ(run("ctr -n k8s.io images ls -q | grep -v sha256: | sort"),
            cat("localhost/busybox:1\n", kPauseImage, "\n"));
  EXPECT_EQ(run("ctr -n k8s.io run --rm localhost/busybox:1 one /bin/sh -c 'echo $PATH; ls /'"),
            "/bin\nbin\ndev\nproc\nrun\nsys\n");
  EXPECT_EQ(run(cat("ctr -n k8s.io run -d ", kPauseImage, " two")), "");
  EXPECT_EQ(run("ctr -n k8s.io tasks ls | awk '$1 == \"two\" {print $3}'"), "RUNNING\n");
  EXPECT_EQ(run("ctr -n k8s.io tasks kill two; for i in $(seq 100); do "
                "ctr -n k8s.io tasks ls | grep -q STOPPED && break; sleep 0.05; done;"
                "ctr -n k8s.io tasks ls | awk '$1 == \"two\" {print $3}'"),
            "STOPPED\n");
}

TEST_F(Containerd, ImagesOfTheLabServe) {
  std::vector<images::Image> all;
  for (const char* name : {"nginx-fileserver", "aria2ng-downloader"}) {
    auto image = images::build_image(cat(KPP_SOURCE_DIR "/examples/images/", name));
    ASSERT_TRUE(image) << image.error().to_string();
    all.push_back(std::move(*image));
  }
  const auto archive = images::write_archive(all);
  ASSERT_TRUE(archive);
  ASSERT_TRUE(fs::write_file_atomic(cat(data_, "/images.tar"), *archive).ok());
  const Status loaded = load_images(*node_, {cat(data_, "/images.tar")});
  ASSERT_TRUE(loaded.ok()) << loaded.to_string();
  // Both share a directory, as the lab's pod does, and the node's network.
  EXPECT_EQ(run("mkdir -m 0777 /shared; mkdir /served; echo from the machine > /served/hello.txt;"
                "busybox httpd -p 8088 -h /served;"
                "ctr -n k8s.io run -d --net-host --mount "
                "type=bind,src=/shared,dst=/usr/share/nginx/html/files,"
                "options=rbind:rw docker.io/dplsming/nginx-fileserver:1.0 nginx >/dev/null 2>&1;"
                "ctr -n k8s.io run -d --net-host --mount "
                "type=bind,src=/shared,dst=/data,options=rbind:rw "
                "docker.io/dplsming/aria2ng-downloader:1.0 aria2 >/dev/null 2>&1"),
            "");
  const std::string wait_for = "for i in $(seq 100); do $what && break; sleep 0.05; done";
  EXPECT_NE(
      run(cat("what='busybox wget -q -O - http://127.0.0.1:6880/'; ", wait_for)).find("jsonrpc"),
      std::string::npos);
  EXPECT_NE(run("busybox wget -q -O - --post-data '{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":"
                "\"aria2.addUri\",\"params\":[[\"http://127.0.0.1:8088/hello.txt\"]]}' "
                "http://127.0.0.1:6800/jsonrpc")
                .find("\"result\""),
            std::string::npos);
  EXPECT_EQ(run(cat("what='busybox wget -q -O - http://127.0.0.1/hello.txt'; ", wait_for,
                    " 2>/dev/null")),
            "from the machine\n");
  EXPECT_NE(run("busybox wget -q -O - http://127.0.0.1/").find("<a href=\"hello.txt\">"),
            std::string::npos);
}

TEST_F(Containerd, SecondStartFindsTheFirst) {
  const std::string before =
      fs::read_file(cat(options_.data_directory, "/containerd.pid")).value_or("");
  ASSERT_TRUE(start_containerd(*node_, options_).ok());
  EXPECT_EQ(fs::read_file(cat(options_.data_directory, "/containerd.pid")).value_or(""), before);
  EXPECT_EQ(run("pgrep -c -x containerd"), "1\n");
}

TEST_F(Containerd, ThatEndedIsStartedAgain) {
  EXPECT_EQ(run("kill -9 $(pgrep -x containerd); while pgrep -x containerd >/dev/null; do sleep "
                "0.01; done"),
            "");
  ASSERT_TRUE(start_containerd(*node_, options_).ok());
  EXPECT_EQ(run("ctr version >/dev/null && echo answers"), "answers\n");
}

TEST_F(Containerd, PauseImageIsLoadedOnce) {
  ASSERT_TRUE(load_pause_image(*node_, options_).ok());
  EXPECT_EQ(run("ctr -n k8s.io images ls -q | grep -v sha256:"), cat(kPauseImage, "\n"));
  (void)fs::remove_all(cat(options_.data_directory, "/pause.tar"));
  ASSERT_TRUE(load_pause_image(*node_, options_).ok());
  EXPECT_FALSE(fs::exists(cat(options_.data_directory, "/pause.tar")));
}

TEST_F(Containerd, CriPluginAndNetworkConfigurationAreGood) {
  EXPECT_EQ(run("ctr plugins ls | awk '$2 == \"cri\" {print $4}'"), "ok\n");
  // The network plugin itself, called as the runtime calls it.
  EXPECT_NE(run(cat("ip netns add pod && export CNI_COMMAND=ADD CNI_CONTAINERID=x CNI_IFNAME=eth0 "
                    "CNI_NETNS=/run/netns/pod CNI_PATH=/usr/lib/cni && python3 -c 'import json;"
                    "c=json.load(open(\"",
                    options_.data_directory,
                    "/cni/10-kpp.conflist\"));"
                    "print(json.dumps({**c[\"plugins\"][0],\"name\":c[\"name\"],\"cniVersion\":c["
                    "\"cniVersion\"]}))' "
                    "| /usr/lib/cni/bridge"))
                .find("\"address\": \"10.244.0.2/24\""),
            std::string::npos);
  EXPECT_EQ(run("ip netns exec pod busybox ping -c 1 -W 2 10.244.0.1 >/dev/null && echo seen"),
            "seen\n");
}

}  // namespace
}  // namespace kpp::lab
